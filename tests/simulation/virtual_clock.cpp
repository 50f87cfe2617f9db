// The clock, in the place of the C++ library's own (libstdc++'s name of it).
#include "simulation/virtual_clock.hpp"

namespace berth::simulation {
namespace {

std::int64_t time_now = virtual_clock::beginning;

}  // namespace

std::int64_t virtual_clock::now() noexcept { return time_now; }
void virtual_clock::set(std::int64_t nanoseconds) noexcept { time_now = nanoseconds; }

}  // namespace berth::simulation

std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
    return time_point(duration(berth::simulation::virtual_clock::now()));
}
