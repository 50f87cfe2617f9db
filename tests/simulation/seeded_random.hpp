// Numbers that a seed decides, the same on every system and with every compiler: all chance in a simulation is this.
//
// splitmix64, and distributions of our own, because those of the standard library differ between libraries.
#pragma once

#include <cstdint>

namespace berth::simulation {

class seeded_random {
public:
    explicit constexpr seeded_random(std::uint64_t seed) noexcept : state_(seed) {}

    constexpr std::uint64_t next() noexcept {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    /// 0 to n - 1. Pre: n > 0.
    constexpr std::uint32_t below(std::uint32_t n) noexcept {
        return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
    }
    constexpr bool chance(std::uint32_t of_thousand) noexcept { return below(1000) < of_thousand; }

private:
    std::uint64_t state_;
};

}  // namespace berth::simulation
