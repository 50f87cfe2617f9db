// platform::system_provider of a simulation.
#include "simulation/model_system.hpp"

#include <cassert>

namespace berth::simulation {
namespace {

test::simulated_provider* installed_kernel = nullptr;

}  // namespace

model_system::model_system(test::simulated_provider& kernel) noexcept {
    assert(installed_kernel == nullptr);
    installed_kernel = &kernel;
}
model_system::~model_system() { installed_kernel = nullptr; }
test::simulated_provider& model_system::kernel() noexcept {
    assert(installed_kernel != nullptr);
    return *installed_kernel;
}

}  // namespace berth::simulation

namespace berth::platform {

port_provider& system_provider() noexcept { return simulation::model_system::kernel(); }

}  // namespace berth::platform
