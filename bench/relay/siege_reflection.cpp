// Whoever forges a victim's address as the source of requests has the answers sent to it: how many bytes for one.
// Each kind of request that needs no credentials, as short as it may be, from a source of its own: slowly, so that
// the relay's budget for a source does not matter, and fast.
#include "relay/siege_kinds.hpp"

#include "relay/crowd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace berth::bench {
namespace {

using relay::attribute;
using relay::message_class;
using relay::stun_method;
using relay::stun_writer;

constexpr std::size_t ip_and_udp = 28;           // bytes in front of each datagram
constexpr double most_for_one = 3;               // bytes out for a byte in
constexpr std::uint32_t slow = 50, fast = 2000;  // requests a second

struct kind {
    std::string_view name;
    stun_method method;
    std::uint16_t unknown;  // an attribute that must be understood, or 0
    bool is_forged;         // with a nonce and a code of nobody's
};
constexpr std::array kinds{
    kind{"Binding", stun_method::binding, 0, false},
    kind{"Allocate", stun_method::allocate, 0, false},
    kind{"Refresh", stun_method::refresh, 0, false},
    kind{"CreatePermission", stun_method::create_permission, 0, false},
    kind{"ChannelBind", stun_method::channel_bind, 0, false},
    kind{"unknown method", static_cast<stun_method>(0x0f0), 0, false},
    kind{"Binding, unknown attribute", stun_method::binding, 0x7f01, false},
    kind{"Allocate, unknown attribute", stun_method::allocate, 0x7f01, false},
    kind{"Allocate, forged", stun_method::allocate, 0, true},
    kind{"Refresh, forged", stun_method::refresh, 0, true},
};

class reflection final : public besieger {
public:
    explicit reflection(const siege_ground& ground)
        : wire_(ground.server.order().port, 1500), stranger_("stranger", ground.honest.realm(), "guessed") {}

    void turn(nanoseconds since_start) override {
        for (std::uint32_t source = 0; source < victims_.size(); ++source) {
            victim& v = victims_[source];
            const std::uint32_t a_second = source % 2 == 0 ? slow : fast;
            const auto due = static_cast<std::uint64_t>(static_cast<double>(since_start) * 1e-9 * a_second);
            for (unsigned batch = 0; v.requests < due && batch < 20; ++v.requests, ++batch) ask(source, v);
        }
        wire_.flush();
        while (wire_.receive([&](std::uint32_t source, relay::bytes_view answer) {
            if (source >= victims_.size()) return;
            victims_[source].heard += answer.size() + ip_and_udp;
            ++victims_[source].answers;
        }) == 64) {
        }
    }
    std::string deeds() const override {
        std::string text = "bytes for a byte, slowly / fast (IP and UDP included)";
        for (std::size_t i = 0; i < kinds.size(); ++i)
            text += fmt::format("\n                     {:<30} {:.2f} / {:.2f}", kinds[i].name,
                                victims_[2 * i].bytes_for_one(), victims_[2 * i + 1].bytes_for_one());
        return text;
    }
    std::string complaint() override {
        for (std::size_t i = 0; i < victims_.size(); ++i)
            if (victims_[i].bytes_for_one() > most_for_one)
                return fmt::format("{}: {:.2f} bytes for one", kinds[i / 2].name, victims_[i].bytes_for_one());
        return victims_[0].answers == 0 ? "nothing was answered" : "";
    }

private:
    struct victim {
        std::uint64_t requests = 0, answers = 0, asked = 0, heard = 0;
        [[nodiscard]] double bytes_for_one() const {
            return static_cast<double>(heard) / static_cast<double>(std::max<std::uint64_t>(asked, 1));
        }
    };
    void ask(std::uint32_t source, victim& v) {
        const kind& what = kinds[source / 2];
        std::array<std::uint8_t, 512> room;
        stun_writer request(
            room, message_class::request, what.method,
            {0xba, 0xd1, static_cast<std::uint8_t>(v.requests), static_cast<std::uint8_t>(v.requests >> 8)});
        if (what.unknown != 0) request.add(static_cast<attribute>(what.unknown), relay::bytes_view());
        if (what.is_forged) stranger_.sign(request, relay::bytes_of("0123456789abcdef01234567"));
        v.asked += request.bytes().size() + ip_and_udp;
        wire_.send(source, request.bytes());
    }

    crowd wire_;
    account stranger_;
    std::array<victim, 2 * kinds.size()> victims_{};
};

}  // namespace

std::unique_ptr<besieger> begin_reflection(const siege_ground& ground) {
    return std::make_unique<reflection>(ground);
}

}  // namespace berth::bench
