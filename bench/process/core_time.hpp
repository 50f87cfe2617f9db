// What the scheduler says of a process: how long it ran, and how long it was ready but another program had its core.
//
// The kernel books a running thread's time at its ticks and when it sleeps: only of sleeping threads this is exact.
#pragma once

#include "measure/clock.hpp"

#include <filesystem>
#include <fstream>
#include <string>

namespace berth::bench {

struct core_time {
    nanoseconds used = 0;
    nanoseconds waited = 0;
};

/// proc: "/proc/<pid>/". All its threads together.
[[nodiscard]] inline core_time core_time_of(const std::string& proc) {
    core_time sum;
    std::error_code gone;  // a thread may end meanwhile
    for (const auto& thread : std::filesystem::directory_iterator(proc + "task", gone)) {
        core_time one;
        std::ifstream(thread.path() / "schedstat") >> one.used >> one.waited;
        sum.used += one.used;
        sum.waited += one.waited;
    }
    return sum;
}

}  // namespace berth::bench
