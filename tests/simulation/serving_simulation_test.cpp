// Random programs of a server on several loops, its clients, and pools of sockets, over the backend that errs.
#include "simulation/serving_world.hpp"
#include "simulation/simulated.hpp"

namespace berth::simulation {
namespace {

TEST(serving_simulation, keeps_every_invariant_in_random_programs) {
    subject s;
    s.name = "simulation of servers and pools";
    s.kinds = serving_steps();
    s.marks = serving_marks();
    s.make = [](std::uint64_t seed, tally& reached) { return std::make_unique<serving_world>(seed, reached); };
    simulated(s, 400'000);
}

}  // namespace
}  // namespace berth::simulation
