// Random programs of acquire, take, use, give back, close, release and restart over a kernel that fails and delays.
#include "simulation/reservation_world.hpp"
#include "simulation/simulated.hpp"

namespace berth::simulation {
namespace {

TEST(reservation_simulation, keeps_every_invariant_in_random_programs) {
    subject s;
    s.name = "simulation of reservations";
    s.kinds = reservation_steps();
    s.marks = reservation_marks();
    s.make = [](std::uint64_t seed, tally& reached) { return std::make_unique<reservation_world>(seed, reached); };
    simulated(s, 1'000'000);
}

}  // namespace
}  // namespace berth::simulation
