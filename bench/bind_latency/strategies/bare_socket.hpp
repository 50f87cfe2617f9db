// What the strategies without a reservation share: a socket of their own that is bound, listened on, and closed.
#pragma once

#include "baseline/raw/sockets.hpp"
#include "bind_latency/strategy.hpp"

namespace berth::bench {

/// One socket at a time; give_back closes it.
class bare_socket {
public:
    explicit bare_socket(protocol p) noexcept : type_(p == protocol::tcp ? SOCK_STREAM : SOCK_DGRAM) {}

    bool open() noexcept { return (fd_ = raw::open_socket(type_)) >= 0; }
    bool bind(std::uint16_t port) noexcept { return raw::bind_to(fd_, port); }
    /// A bound UDP socket is usable; a TCP one must listen.
    bool make_usable() noexcept { return type_ != SOCK_STREAM || ::listen(fd_, raw::backlog) == 0; }
    void close() noexcept { ::close(fd_); }
    /// For the end of a take: whatever happened, no descriptor is left when it returns false.
    bool usable_or_closed(bool so_far) noexcept {
        if (so_far && make_usable()) return true;
        if (fd_ >= 0) close();
        return false;
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int type_;
    int fd_ = -1;
};

/// A quick generator; one a thread, so that nothing is shared.
class xorshift {
public:
    explicit xorshift(unsigned seed) noexcept : state_(0x9e3779b97f4a7c15 + seed * 0x2545f4914f6cdd1dU) {}
    std::uint32_t below(std::uint32_t bound) noexcept {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return static_cast<std::uint32_t>(((state_ >> 32) * bound) >> 32);
    }

private:
    std::uint64_t state_;
};

}  // namespace berth::bench
