// Random programs of sockets, timers and reservations on a loop whose backend delays, shortens, fails and reorders.
#include "simulation/loop_world.hpp"
#include "simulation/simulated.hpp"

namespace berth::simulation {
namespace {

TEST(loop_simulation, keeps_every_invariant_in_random_programs) {
    subject s;
    s.name = "simulation of the loop";
    s.kinds = loop_steps();
    s.marks = loop_marks();
    s.make = [](std::uint64_t seed, tally& reached) { return std::make_unique<loop_world>(seed, reached); };
    simulated(s, 1'000'000);
}

}  // namespace
}  // namespace berth::simulation
