// Cookies: who can say one back receives at the address that he sends from. And tickets, which are as hard to guess.
//
// Invariant: nothing is kept for an address; a cookie is a keyed hash (SipHash-2-4) of it and of the half minute. The
// key is made at the start and never leaves the process.
#pragma once

#include <asio/ip/udp.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace game {

/// SipHash-2-4 (Aumasson and Bernstein).
[[nodiscard]] std::uint64_t siphash(std::uint64_t key0, std::uint64_t key1,
                                    std::span<const std::uint8_t> text) noexcept;

/// Any thread.
class cookie_jar {
public:
    using clock = std::chrono::steady_clock;
    /// Throws std::system_error: no random numbers.
    cookie_jar();

    /// Never 0. Good for 30 to 60 seconds.
    [[nodiscard]] std::uint64_t cookie_for(const asio::ip::udp::endpoint& who, clock::time_point now) const noexcept;
    [[nodiscard]] bool is_good(std::uint64_t cookie, const asio::ip::udp::endpoint& who,
                               clock::time_point now) const noexcept;
    /// Of the n-th player that was let in anywhere. Never 0.
    [[nodiscard]] std::uint64_t ticket(std::uint64_t n) const noexcept;

private:
    [[nodiscard]] std::uint64_t of(const asio::ip::udp::endpoint& who, std::uint64_t when) const noexcept;
    std::array<std::uint64_t, 2> key_;
};

}  // namespace game
