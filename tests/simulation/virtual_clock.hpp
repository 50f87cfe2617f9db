// The time of a simulation: it stands still until somebody says that it passes.
//
// virtual_clock.cpp defines std::chrono::steady_clock::now() itself, at link time, so that the library under test
// needs no seam for it: timers, rests and the loop's turns all read this clock. One thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace berth::simulation {

struct virtual_clock {
    /// Nanoseconds since the clock's beginning; set to 1,000 s when a world begins.
    static std::int64_t now() noexcept;
    static void set(std::int64_t nanoseconds) noexcept;
    static void pass(std::chrono::nanoseconds time) noexcept { set(now() + time.count()); }
    static constexpr std::int64_t beginning = 1'000'000'000'000;
};

}  // namespace berth::simulation
