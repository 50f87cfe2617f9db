// Filling a thread's buffer of draws, and the numbers of the threads that draw. See draw_source.hpp.
#include "claim/draw_source.hpp"

#include "platform/random_bytes.hpp"
#include "platform/thread_end.hpp"

#include <atomic>
#include <bit>
#include <cstring>

namespace berth::claim::detail {
namespace {

std::atomic<std::uint64_t> numbers_in_use{0};  // bit n: a live thread draws as number n

constexpr std::uint32_t none_left = 64;

void give_number_back(void* number) noexcept {
    const auto bit = std::uint64_t{1} << reinterpret_cast<std::uintptr_t>(number);
    numbers_in_use.fetch_and(~bit, std::memory_order_relaxed);
}

/// none_left: all are in use, so this thread shares one and gives none back.
std::uint32_t take_number() noexcept {
    std::uint64_t in_use = numbers_in_use.load(std::memory_order_relaxed);
    while (~in_use != 0) {
        const std::uint64_t lowest = ~in_use & (in_use + 1);
        if (!numbers_in_use.compare_exchange_weak(in_use, in_use | lowest, std::memory_order_relaxed)) continue;
        const auto number = static_cast<std::uint32_t>(std::countr_zero(lowest));
        platform::at_thread_end(give_number_back, reinterpret_cast<void*>(std::uintptr_t{number}));
        return number;
    }
    return none_left;
}

void forget_parents_draws() noexcept {
    thread_draws& mine = this_thread_draws;
    if (mine.fills_left == 0 && mine.left == 0) return;  // never drew, and has no number
    mine.left = 0;
    mine.fills_left = 0;
    // The parent's other threads do not exist here.
    numbers_in_use.store(std::uint64_t{1} << mine.number, std::memory_order_relaxed);
}

}  // namespace

thread_local constinit thread_draws this_thread_draws{};

void fill(thread_draws& draws) noexcept {
    static const bool fork_is_watched = (platform::in_forked_child([] { forget_parents_draws(); }), true);
    static_cast<void>(fork_is_watched);
    constinit static thread_local std::uint32_t mine = none_left + 1;  // not asked for yet
    if (mine > none_left) mine = take_number();

    if (draws.fills_left == 0) {
        platform::random_bytes(draws.key.data(), sizeof draws.key);
        draws.fills_left = 1024;
    }
    --draws.fills_left;
    const key_stream_blocks stream = key_stream<8>(draws.key, 0);
    const auto* from = reinterpret_cast<const unsigned char*>(&stream);
    std::memcpy(draws.key.data(), from, sizeof draws.key);
    std::memcpy(draws.bits, from + sizeof draws.key, sizeof draws.bits);
    static_assert(sizeof draws.key + sizeof draws.bits == sizeof stream);
    draws.left = thread_draws::capacity;

    draws.number = static_cast<std::uint8_t>(mine != none_left ? mine : draws.bits[0] & 63u);
    const int live = std::popcount(numbers_in_use.load(std::memory_order_relaxed));
    draws.spread = static_cast<std::uint8_t>(std::bit_ceil(static_cast<unsigned>(live < 1 ? 1 : live)));
}

}  // namespace berth::claim::detail
