// How many connections each remote address has, over all shards: an IPv4 address, or an IPv6 network of 64 bits.
//
// A client with an IPv6 network of its own would otherwise have as many addresses as it likes. Striped, so that shards
// seldom wait for one another.
#pragma once

#include <asio/ip/tcp.hpp>

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace berth::detail {

class address_limits {
public:
    static std::uint64_t key_of(const asio::ip::tcp::endpoint& remote) noexcept;

    /// False: it has `most` already; nothing changed. Throws std::bad_alloc.
    bool enter(std::uint64_t key, std::uint32_t most);
    void leave(std::uint64_t key) noexcept;

private:
    struct stripe {
        std::mutex gate;
        std::unordered_map<std::uint64_t, std::uint32_t> count;
    };
    stripe& stripe_of(std::uint64_t key) noexcept;

    std::array<stripe, 16> stripes_;
};

}  // namespace berth::detail
