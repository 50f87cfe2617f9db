// Asks the kernel which UDP socket would hear a stranger's datagram, and whether that socket is shut down.
//
// Two things about a UDP socket that no option tells decide whether it can be lent again: a shutdown, and the remote
// address that an AF_INET6 socket remembers as a filter after connect(AF_UNSPEC). sock_diag's exact look-up uses the
// kernel's own receive look-up, and its answer carries the shutdown bits: one question, two system calls.
// The netlink sockets belong to the network namespace of the thread that called open(); they are claimed without a
// lock, and a caller that finds all in use makes one for itself.
#pragma once

#include "platform/linux/system_calls.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace berth::platform {

class udp_hearing {
public:
    udp_hearing() = default;
    ~udp_hearing();
    udp_hearing(const udp_hearing&) = delete;
    udp_hearing& operator=(const udp_hearing&) = delete;

    int open(system_calls& calls) noexcept;  // 0 or -errno

    /// True if the UDP socket with this cookie, bound to `port`, hears datagrams of strangers over the families given
    /// and is not shut down in either direction. `address`: local address of the block, null: any.
    bool hears(system_calls& calls, int family, const void* address, std::uint16_t port,
               std::uint64_t cookie) noexcept;

private:
    static constexpr int slots = 4;
    std::array<std::atomic<int>, slots> idle_{-1, -1, -1, -1};  // -1: none, or in use
    system_calls* calls_ = nullptr;
};

}  // namespace berth::platform
