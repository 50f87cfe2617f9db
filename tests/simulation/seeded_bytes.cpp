// platform::random_bytes, from a seed. Nothing forks in a simulation.
#include "simulation/seeded_bytes.hpp"

#include "claim/draw_source.hpp"
#include "platform/random_bytes.hpp"
#include "simulation/seeded_random.hpp"

#include <algorithm>
#include <cstring>

namespace berth::simulation {
namespace {

seeded_random system_generator{0};

}  // namespace

void seeded_bytes::seed(std::uint64_t seed) noexcept {
    system_generator = seeded_random(seed);
    claim::detail::this_thread_draws.left = 0;
    claim::detail::this_thread_draws.fills_left = 0;
}

}  // namespace berth::simulation

namespace berth::platform {

void random_bytes(void* bytes, std::size_t size) noexcept {
    for (auto* at = static_cast<unsigned char*>(bytes); size != 0;) {
        const std::uint64_t drawn = simulation::system_generator.next();
        const std::size_t n = std::min(size, sizeof drawn);
        std::memcpy(at, &drawn, n);
        at += n, size -= n;
    }
}

void in_forked_child(void (*)()) noexcept {}

}  // namespace berth::platform
