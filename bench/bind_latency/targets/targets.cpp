// See targets.hpp.
#include "bind_latency/targets/targets.hpp"

#include "bind_latency/targets/subjects.hpp"

#include <array>
#include <exception>

namespace berth::bench {
namespace {

struct subject {
    const char* name;
    void (*measure)(target_context&);
};

// Threads first: they fork, and a child must not inherit a reservation's sockets.
constexpr std::array subjects{
    subject{"two threads", measure_threads},
    subject{"claim", measure_claim},
    subject{"crowded range", measure_crowded},
    subject{"take", measure_take},
    subject{"associate + bind", measure_associate},
    subject{"reserve", measure_reserve},
    subject{"connect", measure_connect},
    subject{"memory", measure_bytes},
};

}  // namespace

std::size_t target_steps() { return subjects.size(); }

std::vector<target> run_targets(const options& o, const report& r, filler& crowd, progress& bar) {
    std::vector<target> out;
    target_context context{o, r, crowd, out};
    for (const subject& one : subjects) {
        bar.step(std::string("target: ") + one.name);
        try {
            one.measure(context);
        } catch (const std::exception& problem) {
            out.push_back({one.name, "could not be measured", problem.what(), std::nullopt});
        }
    }
    return out;
}

}  // namespace berth::bench
