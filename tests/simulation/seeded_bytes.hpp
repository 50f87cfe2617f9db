// The system's random generator in a simulation: its bytes are a seed's.
//
// seeded_bytes.cpp takes the place of platform/random_bytes at link time: tokens, draws of ports and the choice of
// wildcard blocks repeat themselves. Pre of a repetition: seed() before each program.
#pragma once

#include <cstdint>

namespace berth::simulation {

struct seeded_bytes {
    /// Also throws away what this thread has left of earlier draws.
    static void seed(std::uint64_t seed) noexcept;
};

}  // namespace berth::simulation
