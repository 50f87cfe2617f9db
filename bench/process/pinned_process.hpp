// A server that is measured: a process on a core of its own, watched through /proc, ended with this object.
//
// Invariant: no server outlives the benchmark, whatever ends it: the kernel kills the child when its parent dies.
#pragma once

#include "process/core_time.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace berth::bench {

/// What a child has as its standard output and error.
enum class words_of_child : std::uint8_t { shown, errors_alone, dropped };

class pinned_process {
public:
    /// words[0] is the program's path. inherited: a descriptor that stays open in it, or -1. core: -1 for any. Throws
    /// std::runtime_error.
    pinned_process(const std::vector<std::string>& words, int core, int inherited = -1,
                   words_of_child spoken = words_of_child::shown);
    ~pinned_process() { end(); }
    pinned_process(const pinned_process&) = delete;
    pinned_process& operator=(const pinned_process&) = delete;

    /// Ends it if it runs. No process of it is left when this returns.
    void end() noexcept;

    [[nodiscard]] bool is_running() noexcept;
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }

    /// What all its threads used and waited for so far. Exact for threads that sleep; see settle().
    [[nodiscard]] core_time time_on_core() const { return core_time_of(proc_); }

    /// Waits until every thread sleeps, a few milliseconds at most (one that spins never does).
    void settle() const;

    /// Bytes of memory that only this process has and that no file backs.
    [[nodiscard]] std::uint64_t anonymous_bytes() const;

    [[nodiscard]] std::size_t descriptors() const;

private:
    pid_t pid_ = -1;
    std::string proc_;
};

}  // namespace berth::bench
