// Where a lane gets ports from that another process holds: asked when nothing is available here.
//
// Off the fast path: a call may ask another process and wait for it. Thread-safe. The lane's draws, give back and
// states are the same with and without a source.
#pragma once

#include <berth/error.hpp>

#include <cstdint>

namespace berth::detail {

class port_lane;

class port_source {
public:
    enum class need : std::uint8_t { any, pair, given };

    virtual ~port_source() = default;

    /// True: something became available since the caller looked, or the port asked for. False, and `ec` says why
    /// not: block_exhausted if there is none elsewhere either.
    virtual bool fetch(port_lane& lane, need what, std::uint32_t index, error_code& ec) noexcept = 0;

    /// Sends condemned ports back: whoever holds them gives them new session sockets.
    virtual void send_condemned(port_lane& lane) noexcept = 0;

    /// Ports have left a lane that is being released: those that are not is_here() are wanted by others.
    virtual void ports_left(port_lane& lane) noexcept = 0;
    /// Every port has left the lane. `sockets_live_on`: callers of bind() or duplicate() still have some, so those
    /// ports, which are still is_here(), stay this process's until it ends.
    virtual void close(port_lane& lane, bool sockets_live_on) noexcept = 0;

    /// In a forked child: closes its copies, and touches nothing that the parent shares.
    virtual void abandon() noexcept = 0;
};

}  // namespace berth::detail
