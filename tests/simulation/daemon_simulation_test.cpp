// The daemon, its store and its desk in one thread, through deaths at every call: see README.md.
#include "simulation/daemon_world.hpp"
#include "simulation/simulated.hpp"

namespace berth::simulation {
namespace {

TEST(daemon_simulation, keeps_what_it_answered_through_everything) { simulated(daemon_subject(), 300'000); }

}  // namespace
}  // namespace berth::simulation
