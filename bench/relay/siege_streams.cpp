// The sieges by TCP and TLS: connections that say nothing, or a byte now and then, or never read. See siege.hpp.
#include "relay/siege_kinds.hpp"

#include "relay/roomy_socket.hpp"
#include "relay/stream_guest.hpp"

#include <fmt/format.h>

#include <array>

namespace berth::bench {
namespace {

constexpr std::uint32_t first_bad_address = 0x7f200001;  // 127.32.0.1
constexpr std::uint32_t honest_address = 0x7f300001;     // 127.48.0.1
constexpr std::uint32_t addresses = 4;
constexpr unsigned most_of_one = 40;  // connections; what the relay is told

/// More than it lets in from these addresses; what it refuses is asked for again.
class connections : public besieger {
public:
    connections(const siege_ground& ground, bool with_tls) : ground_(&ground), with_tls_(with_tls) {
        for (unsigned i = 0; i < addresses * most_of_one * 3 / 2; ++i) come();
    }
    void turn(nanoseconds since_start) override {
        if (since_start < next_) return;
        next_ = since_start + 50'000'000;
        for (unsigned i = 0; i < 5; ++i) come();
        stream_guest honest(honest_address, ground_->server.order().port);
        ++tried_;
        admitted_ += honest.allocate(ground_->honest) != 0;
        std::size_t open = 0;
        for (const auto& one : bad_) open += one->is_open();
        most_open_ = std::max(most_open_, open);
        every_time(bad_);
    }
    std::string deeds() const override {
        return fmt::format("{} connections, {} open at once; {} of {} honest ones over TCP allocated", bad_.size(),
                           most_open_, admitted_, tried_);
    }
    std::string complaint() override {
        if (admitted_ != tried_) return "honest TCP clients were kept out";
        if (most_open_ > addresses * most_of_one) return fmt::format("{} bad connections were let in", most_open_);
        const auto& oldest = bad_.front();
        return oldest->is_open() ? "a connection without an allocation outlived its time" : "";
    }

protected:
    virtual void every_time(std::vector<std::unique_ptr<stream_guest>>&) {}

private:
    void come() {
        const auto number = static_cast<std::uint32_t>(bad_.size());
        const bool by_tls = with_tls_ && number % 2 == 0;
        bad_.push_back(std::make_unique<stream_guest>(first_bad_address + number % addresses,
                                                      by_tls ? ground_->tls_port : ground_->server.order().port));
    }
    const siege_ground* ground_;
    bool with_tls_;
    std::vector<std::unique_ptr<stream_guest>> bad_;
    nanoseconds next_ = 0;
    std::size_t most_open_ = 0;
    std::uint64_t tried_ = 0, admitted_ = 0;
};

class half_open final : public connections {
    using connections::connections;
};

/// A request, or a TLS greeting, a byte at a time: there is always something, and it never is a message.
class slow_words final : public connections {
    using connections::connections;
    void every_time(std::vector<std::unique_ptr<stream_guest>>& all) override {
        // The header of an Allocate of 512 bytes, and the beginning of a TLS record, which are its first bytes.
        constexpr std::array<std::uint8_t, 20> request{0, 3, 2, 0, 0x21, 0x12, 0xa4, 0x42};
        constexpr std::array<std::uint8_t, 5> greeting{0x16, 3, 1, 2, 0};
        if (++round_ % 10 != 0) return;  // twice a second
        for (std::size_t i = 0; i < all.size(); ++i) {
            const relay::bytes_view words = i % 2 == 0 ? relay::bytes_view(greeting) : relay::bytes_view(request);
            if (spoken_.size() <= i) spoken_.push_back(0);
            const std::uint8_t zero = 0;
            all[i]->send(spoken_[i] < words.size() ? words.subspan(spoken_[i], 1) : relay::bytes_view(&zero, 1));
            ++spoken_[i];
        }
    }
    unsigned round_ = 0;
    std::vector<std::size_t> spoken_;
};

/// Clients with an allocation over TCP that never read, while their peer sends as fast as it may.
class deaf final : public besieger {
public:
    explicit deaf(const siege_ground& ground) : peer_(open_roomy_socket(INADDR_LOOPBACK)) {
        for (std::uint32_t i = 0; i < 10; ++i) {
            auto guest =
                std::make_unique<stream_guest>(first_bad_address + i % addresses, ground.server.order().port);
            const std::uint16_t relayed = guest->allocate(ground.honest);
            if (relayed == 0 || !guest->bind_channel(ground.honest, raw::port_of(peer_.fd())))
                throw std::runtime_error("a TCP client is refused");
            relayed_.push_back(raw::loopback_address(relayed));
            guests_.push_back(std::move(guest));
        }
    }
    void turn(nanoseconds) override {
        constexpr std::array<std::uint8_t, 1000> words{};
        for (const sockaddr_in& to : relayed_) {
            ::sendto(peer_.fd(), words.data(), words.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
            ++sent_;
        }
    }
    std::string deeds() const override {
        return fmt::format("{} datagrams of 1,000 bytes to {} clients that do not read", sent_, guests_.size());
    }

private:
    client_socket peer_;
    std::vector<std::unique_ptr<stream_guest>> guests_;
    std::vector<sockaddr_in> relayed_;
    std::uint64_t sent_ = 0;
};

}  // namespace

std::unique_ptr<besieger> begin_half_open(const siege_ground& ground) {
    return std::make_unique<half_open>(ground, true);
}
std::unique_ptr<besieger> begin_slow_words(const siege_ground& ground) {
    return std::make_unique<slow_words>(ground, true);
}
std::unique_ptr<besieger> begin_deaf(const siege_ground& ground) { return std::make_unique<deaf>(ground); }

}  // namespace berth::bench
