// Who accepts: a process on a core of its own, with a listener that every loopback address reaches.
#pragma once

#include "outbound_connect/way.hpp"

#include <sys/types.h>

namespace berth::bench {

class far_side {
public:
    /// Listens in the network namespace of the caller.
    far_side();
    ~far_side();
    far_side(const far_side&) = delete;
    far_side& operator=(const far_side&) = delete;

    [[nodiscard]] far_addresses addresses() const noexcept { return to_; }
    /// Waits until it has accepted this many in all: a queue that overflows would drop a SYN for a second.
    void settle(std::uint64_t made) const;

private:
    struct counts;
    counts* shared_ = nullptr;
    far_addresses to_;
    pid_t process_ = -1;
};

/// Stays on the first core, or on the last.
void stay_on_first_core() noexcept;
void stay_on_last_core() noexcept;

}  // namespace berth::bench
