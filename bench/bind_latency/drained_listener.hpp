// A loopback listener for the outbound part, drained by a process of its own.
//
// A process, not a thread: a second thread here would make every system call of the measured one dearer (descriptor
// look-ups count references once a table is shared). Accepted connections are kept while the range is filled, so that
// the fill's ports stay in use, and closed soon after they were accepted otherwise. Create it before any reservation.
#pragma once

#include <berth/port_block.hpp>

#include <sys/types.h>

#include <cstdint>

namespace berth::bench {

class drained_listener {
public:
    /// Listens on a port outside `range`, so that it takes none of the ports under measurement.
    explicit drained_listener(port_block range);
    ~drained_listener();
    drained_listener(const drained_listener&) = delete;
    drained_listener& operator=(const drained_listener&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// To be called after each connection made: waits, now and then, until the process has caught up. A queue that
    /// overflows would drop a SYN, and its sender would wait a second.
    void settle() noexcept;
    void keep_connections(bool keep) noexcept;
    /// Closes what was kept; returns when that is done.
    void let_go() noexcept;

private:
    struct wishes;  // shared with the process
    wishes* shared_ = nullptr;
    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
    std::uint32_t made_ = 0;
};

}  // namespace berth::bench
