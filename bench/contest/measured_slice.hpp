// One slice of one contestant: what its server used of its core, and what its clients waited.
#pragma once

#include "contest/results.hpp"
#include "measure/clock.hpp"
#include "measure/distribution.hpp"
#include "measure/recorder.hpp"
#include "process/core_time.hpp"

#include <utility>
#include <vector>

namespace berth::bench {

/// run(latency) says how many units were done and how many lost; nothing is under way when it returns, so that the
/// server, which is a process that can settle(), falls asleep and its time is exact.
template <class Server, class Run>
[[nodiscard]] slice_figures measure_slice(const Server& server, Run&& run) {
    recorder latency;
    const core_time before = server.time_on_core();
    const core_time own_before = core_time_of("/proc/self/");
    const nanoseconds start = now();
    const auto outcome = run(latency);
    slice_figures figures;
    figures.seconds = static_cast<double>(now() - start) * 1e-9;
    server.settle();
    const core_time after = server.time_on_core();
    figures.server_ns = static_cast<double>(after.used - before.used);
    figures.server_waited_ns = static_cast<double>(after.waited - before.waited);
    figures.client_waited_ns = static_cast<double>(core_time_of("/proc/self/").waited - own_before.waited);
    figures.units = static_cast<double>(outcome.done);
    figures.lost = static_cast<double>(outcome.lost);
    std::vector<std::uint32_t> samples;
    latency.pour_into(samples);
    const distribution waited = summarize(std::move(samples));
    figures.p50 = waited.p50;
    figures.p99 = waited.p99;
    return figures;
}

}  // namespace berth::bench
