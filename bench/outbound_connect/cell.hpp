// One way at one occupancy: a process in a network namespace of its own, filled once, that measures a slice when
// told.
//
// Cells stand at the same time and take turns, so each ratio between them is of one run.
#pragma once

#include "outbound_connect/way.hpp"

#include <sys/types.h>

#include <exception>

namespace berth::bench {

/// A cell wants a network namespace of its own, and may not make one.
class not_permitted : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override {
        return "no network namespace of its own can be made here: run as root";
    }
};

class cell {
public:
    /// `each`: how many of the 64 tuples of each destination are in use.
    cell(const way_entry& entry, std::uint32_t each);
    ~cell();
    cell(cell&& other) noexcept;
    cell& operator=(cell&&) = delete;

    /// Nanoseconds of so many connects, one after the other. Failures are left out, and counted.
    std::vector<std::uint32_t> measure(std::uint32_t count);
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
    [[nodiscard]] const way_entry& entry() const noexcept { return *entry_; }
    [[nodiscard]] std::uint32_t each() const noexcept { return each_; }

private:
    const way_entry* entry_;
    std::uint32_t each_;
    pid_t process_ = -1;
    int channel_ = -1;
    std::uint64_t failures_ = 0;
};

}  // namespace berth::bench
