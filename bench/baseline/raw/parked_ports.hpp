// The calls that berth makes for a port, made bare: to hold, open and park ports with no library in between.
//
// The yardstick of "no dearer than the same calls made bare". Invariant: the same calls in the same order as
// framework/src/platform/linux/ (linux_hold*.cpp, linux_park.cpp) for an IPv4 block on all addresses, and nothing
// else: no claim, no checks, no state. Ports: those of `block`, which nobody else may use.
#pragma once

#include "bind_latency/filler.hpp"
#include "platform/linux/park_filter.hpp"

#include <berth/capabilities.hpp>

#include <memory>
#include <vector>

namespace berth::bench::raw {

class parked_ports {
public:
    /// Holds all of the block and leaves it parked. Throws std::runtime_error.
    parked_ports(port_block block, protocol p, parking park);
    ~parked_ports();
    parked_ports(const parked_ports&) = delete;
    parked_ports& operator=(const parked_ports&) = delete;

    /// The dumps and the cookies of the closing check, an IPv4 listener's three times. Throws if the kernel refuses.
    void check_alone() const;
    void look_once() const;

    void open(std::uint32_t index) noexcept;
    void park(std::uint32_t index) noexcept;

private:
    struct pair {
        int holder = -1;
        int session = -1;
        int other = -1;  // the other family's half of a split holder
        std::uint64_t cookie = 0;
    };
    bool hold_udp(std::uint32_t index, pair& port) noexcept;
    bool hold_tcp(std::uint32_t index, pair& port) noexcept;
    bool make_holder(pair& port) noexcept;
    bool wipe(std::uint16_t number) noexcept;
    bool make_session(std::uint32_t index, pair& port) noexcept;
    void silence(std::uint32_t index, const pair& port) noexcept;

    port_block block_;
    protocol transport_;
    bool repair_;
    std::unique_ptr<platform::park_filter> filter_;  // none: parked by system calls
    std::vector<pair> ports_;
};

}  // namespace berth::bench::raw
