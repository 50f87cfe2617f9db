// One server of a contestant: started on a core of its own, known by its port, ended with this object.
//
// Invariant: no server outlives the benchmark, whatever ends it: the kernel kills the child when its parent dies.
#pragma once

#include "loopback/core_time.hpp"
#include "loopback/registry.hpp"
#include "measure/clock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace berth::bench {

class server_process {
public:
    /// Returns when a client may come. Throws std::runtime_error with the server's own words if it cannot serve.
    server_process(const contestant_entry& entry, const scenario& s, int core);
    ~server_process();
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    /// What all its threads used and waited for so far. Exact for threads that sleep; see settle().
    [[nodiscard]] core_time time_on_core() const { return core_time_of(proc_); }

    /// Waits until every thread sleeps, a few milliseconds at most (one that spins never does).
    void settle() const;

    /// Bytes of memory that only this process has and that no file backs.
    [[nodiscard]] std::uint64_t anonymous_bytes() const;

private:
    void end() noexcept;
    [[nodiscard]] std::uint16_t wait_for_port(int ready) const;

    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
    std::string proc_;
};

/// The file that holds this contestant; whether it was built is another matter.
[[nodiscard]] std::string executable_of(const contestant_entry& entry);

}  // namespace berth::bench
