// Which model rings there are, what they have come to, and the engine that a loop is made over.
#include "simulation/model_ring.hpp"

#include "backend/loop_parts.hpp"
#include "backend/uring/uring_backend.hpp"

#include <array>
#include <utility>

namespace berth::simulation {
namespace {

model_chances* installed_chances = nullptr;
detail::backend* made_last = nullptr;
std::array<std::uint64_t, static_cast<std::size_t>(ring_mark::marks)> counts{};

}  // namespace

std::span<const char* const> ring_marks() noexcept {
    static constexpr const char* names[] = {"plain_ring",     "deferred_ring",   "taken_in_part",  "refused_entry",
                                            "refused_enter",  "no_more",         "overflown",      "cancel_by_entry",
                                            "cancel_at_once", "cancel_was_late", "cancel_at_work", "cancel_missed",
                                            "interrupted",    "by_poll"};
    static_assert(std::size(names) == static_cast<std::size_t>(ring_mark::marks));
    return names;
}
std::array<std::uint64_t, static_cast<std::size_t>(ring_mark::marks)> take_ring_counts() noexcept {
    return std::exchange(counts, {});
}
void count_of_ring(ring_mark which) noexcept { ++counts[static_cast<std::size_t>(which)]; }

// Of a world's beginning, and of its end: all rings are gone by then.
void model_backend::install(model_chances* chances) noexcept {
    if (chances == nullptr && (!model_ring::all().empty() || events_left() != 0) && installed_chances != nullptr) {
        installed_chances->complain("descriptors: a ring, or an eventfd, is left");
    }
    installed_chances = chances;
}

model_chances& model_ring::chances() noexcept { return *installed_chances; }
detail::backend& model_ring::engine() noexcept { return *made_last; }
std::vector<std::unique_ptr<model_ring>>& model_ring::all() noexcept {
    static std::vector<std::unique_ptr<model_ring>> rings;
    return rings;
}
model_ring* model_ring::at(int descriptor) noexcept {
    for (const auto& r : all()) {
        if (r->descriptor_ == descriptor) return r.get();
    }
    return nullptr;
}
model_ring* model_ring::of(const ::io_uring& user) noexcept {
    for (const auto& r : all()) {
        if (&r->user_ == &user) return r.get();
    }
    return nullptr;
}

}  // namespace berth::simulation

namespace berth::detail {

// Few entries and buffers, so that they run out; and the abilities of older kernels, where the program's seed says
// so.
std::unique_ptr<backend> make_backend(const loop_options&, std::string& reason) {
    auto& random = simulation::model_ring::chances().random;
    ring_limits limits;
    limits.deferred_work = random.chance(600);
    limits.single_issuer = limits.deferred_work || random.chance(500);
    limits.buffer_rings = random.chance(700);
    const std::uint32_t entries = 2U << random.below(4);
    limits.completion_queue = random.chance(500) ? entries : 0;
    limits.setup = ::io_uring_queue_init_params;
    auto made = uring_backend::make({.entries = entries, .buffer_size = 512, .buffer_count = 4}, limits, reason);
    simulation::made_last = made.get();
    return made;
}

}  // namespace berth::detail
