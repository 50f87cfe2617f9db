// The system under a simulation: the library's provider of ports is the model kernel that was installed last.
//
// model_system.cpp takes the place of platform/linux/system_provider.cpp at link time.
#pragma once

#include "support/simulated_provider.hpp"

namespace berth::simulation {

/// Installed for a scope; one at a time.
class model_system {
public:
    explicit model_system(test::simulated_provider& kernel) noexcept;
    model_system(const model_system&) = delete;
    model_system& operator=(const model_system&) = delete;
    ~model_system();
    /// Pre: one is installed.
    static test::simulated_provider& kernel() noexcept;
};

}  // namespace berth::simulation
