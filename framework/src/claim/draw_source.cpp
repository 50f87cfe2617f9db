// Filling a thread's buffer of draws, and the numbers of the threads that draw. See draw_source.hpp.
#include "claim/draw_source.hpp"

#include "platform/random_bytes.hpp"

#include <atomic>
#include <bit>

namespace berth::claim::detail {
namespace {

std::atomic<std::uint64_t> numbers_in_use{0};  // bit n: a live thread draws as number n

struct thread_number {
    std::uint64_t bit = 0;  // 0: all 64 were in use, so this thread shares one and gives none up

    thread_number() noexcept {
        std::uint64_t in_use = numbers_in_use.load(std::memory_order_relaxed);
        while (~in_use != 0) {
            const std::uint64_t lowest = ~in_use & (in_use + 1);
            if (numbers_in_use.compare_exchange_weak(in_use, in_use | lowest, std::memory_order_relaxed)) {
                bit = lowest;
                return;
            }
        }
    }
    ~thread_number() { numbers_in_use.fetch_and(~bit, std::memory_order_relaxed); }
    thread_number(const thread_number&) = delete;
    thread_number& operator=(const thread_number&) = delete;
};

void forget_parents_draws() noexcept {
    thread_draws& mine = this_thread_draws;
    if (mine.left != 0) mine.left = 0;
    // The parent's other threads do not exist here; a number that this thread shares stays shared.
    numbers_in_use.store(std::uint64_t{1} << mine.number, std::memory_order_relaxed);
}

}  // namespace

thread_local constinit thread_draws this_thread_draws{};

void fill(thread_draws& draws) noexcept {
    static const bool fork_is_watched = (platform::in_forked_child([] { forget_parents_draws(); }), true);
    static_cast<void>(fork_is_watched);
    static thread_local const thread_number mine;

    platform::random_bytes(draws.bits, sizeof draws.bits);
    draws.left = sizeof draws.bits / sizeof draws.bits[0];
    draws.number = mine.bit != 0 ? static_cast<std::uint8_t>(std::countr_zero(mine.bit)) : draws.bits[0] & 63;
    const int live = std::popcount(numbers_in_use.load(std::memory_order_relaxed));
    draws.spread = static_cast<std::uint8_t>(std::bit_ceil(static_cast<unsigned>(live < 1 ? 1 : live)));
}

}  // namespace berth::claim::detail
