// The sieges by UDP: floods of requests that nobody vouches for, garbage, replays. See siege.hpp.
#include "relay/siege_kinds.hpp"

#include "relay/crowd.hpp"

#include <fmt/format.h>

#include <array>
#include <random>

namespace berth::bench {
namespace {

using relay::attribute;
using relay::message_class;
using relay::stun_method;
using relay::stun_writer;

/// So many datagrams a second, each made by make().
class flood : public besieger {
public:
    flood(const siege_ground& ground, std::uint32_t a_second, std::uint32_t sources)
        : wire_(ground.server.order().port, 1500), honest_(&ground.honest), a_second_(a_second), sources_(sources) {}

    void turn(nanoseconds since_start) final {
        const auto due = static_cast<std::uint64_t>(static_cast<double>(since_start) * 1e-9 * a_second_);
        for (unsigned batch = 0; sent_ < due && batch < 200; ++sent_, ++batch) {
            const relay::bytes_view bad = make(sent_, static_cast<std::uint32_t>(sent_ % sources_));
            wire_.send(static_cast<std::uint32_t>(sent_ % sources_), bad);
        }
        wire_.flush();
        while (wire_.receive([&](std::uint32_t source, relay::bytes_view answer) {
            ++answered_;
            hear(source, answer);
        }) == 64) {
        }
    }
    std::string deeds() const override {
        return fmt::format("{} datagrams from {} sources, {} answered", sent_, sources_, answered_);
    }

protected:
    virtual relay::bytes_view make(std::uint64_t number, std::uint32_t source) = 0;
    virtual void hear(std::uint32_t, relay::bytes_view) {}

    relay::transaction_id name(std::uint64_t number) const {
        relay::transaction_id id{0xba, 0xd0};
        for (std::size_t i = 0; i < 8; ++i) id[4 + i] = static_cast<std::uint8_t>(number >> 8 * i);
        return id;
    }

    std::array<std::uint8_t, 1500> room_{};
    crowd wire_;
    const account* honest_;

private:
    std::uint32_t a_second_, sources_;
    std::uint64_t sent_ = 0, answered_ = 0;
};

class allocate_flood final : public flood {
    using flood::flood;
    relay::bytes_view make(std::uint64_t number, std::uint32_t) override {
        stun_writer request(room_, message_class::request, stun_method::allocate, name(number));
        request.add(attribute::requested_transport, udp_transport);
        return request.bytes();
    }
};

/// Noise; headers with noise behind them; true requests cut short, with a byte changed, or with attributes twice.
class garbage final : public flood {
    using flood::flood;
    relay::bytes_view make(std::uint64_t number, std::uint32_t) override {
        const std::size_t size = 1 + random_() % (room_.size() - 1);
        if (number % 4 == 0) {
            for (std::size_t i = 0; i < size; ++i) room_[i] = static_cast<std::uint8_t>(random_());
            return relay::bytes_view(room_).first(size);
        }
        stun_writer request(room_, message_class::request, static_cast<stun_method>(random_() % 12), name(number));
        for (unsigned i = 0; i < random_() % 40; ++i)
            request.add(static_cast<attribute>(random_() % 0x30),
                        std::string_view("0123456789abcdef", random_() % 17));
        request.add(attribute::username, honest_->user());
        request.add(attribute::nonce, std::string_view("no nonce that you ever gave"));
        std::size_t whole = request.bytes().size();
        if (number % 4 == 1) whole = 1 + random_() % whole;
        if (number % 4 == 2) room_[random_() % whole] ^= static_cast<std::uint8_t>(1 + random_() % 255);
        return relay::bytes_view(room_).first(whole);
    }
    std::mt19937 random_{20240607};
};

/// Old nonces, others' nonces, wrong codes, and nobody's name, from few sources that are answered like any other.
class replayer final : public flood {
    using flood::flood;
    relay::bytes_view make(std::uint64_t number, std::uint32_t) override {
        const bool is_release = number % 2 == 0;
        stun_writer request(room_, message_class::request, is_release ? stun_method::refresh : stun_method::allocate,
                            name(number));
        if (is_release)
            request.add(attribute::lifetime, 0U);
        else
            request.add(attribute::requested_transport, udp_transport);
        const account stranger("stranger", honest_->realm(), "guessed");
        const bool has_good_key = number % 3 != 0;
        const std::string nonce = number % 5 < 3 && !heard_.empty() ? heard_ : "0123456789abcdef01234567";
        (has_good_key ? *honest_ : stranger).sign(request, relay::bytes_of(nonce));
        if (number % 7 < 3) room_[request.bytes().size() - 1] ^= 1;  // the code
        return request.bytes();
    }
    void hear(std::uint32_t, relay::bytes_view datagram) override {
        const auto answer = relay::stun_message::parse(datagram);
        if (answer && answer->kind() == message_class::success) ++successes_;
        if (answer && heard_.empty()) heard_ = answer->text(attribute::nonce).value_or("");
    }
    std::string complaint() override {
        return successes_ == 0 ? std::string() : fmt::format("{} forged requests were granted", successes_);
    }
    std::string heard_;  // one source's, and the others use it too
    std::uint64_t successes_ = 0;
};

}  // namespace

std::unique_ptr<besieger> begin_allocate_flood(const siege_ground& ground) {
    return std::make_unique<allocate_flood>(ground, 10'000, 5'000);
}
std::unique_ptr<besieger> begin_garbage(const siege_ground& ground) {
    return std::make_unique<garbage>(ground, 10'000, 500);
}
std::unique_ptr<besieger> begin_replay(const siege_ground& ground) {
    return std::make_unique<replayer>(ground, 5'000, 4);
}

}  // namespace berth::bench
