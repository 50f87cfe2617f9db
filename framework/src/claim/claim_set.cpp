// The claim put together: draws over the bitmap, order and cooling beside it. See claim_set.hpp.
#include "claim/claim_set.hpp"

namespace berth::claim {

claim_set::claim_set(std::uint16_t first_port, std::uint32_t count, draw_order order)
    : bitmap_(first_port, count), cooling_(count), ready_at_(std::make_unique<std::atomic<std::uint64_t>[]>(count)) {
    if (order == draw_order::first_in_first_out) order_.emplace(count);
}

claim_set::~claim_set() = default;

std::uint32_t claim_set::claim() noexcept {
    if (order_) [[unlikely]]
        return claim_oldest();
    return bitmap_.claim(bitmap_.place_of(next_draw()));
}

std::uint32_t claim_set::claim_oldest() noexcept {
    for (std::uint32_t index; (index = order_->pop()) != none;) {
        if (bitmap_.claim_given(index)) return index;
    }
    // A port whose entry another thread is just about to append is available all the same.
    return bitmap_.claim(bitmap_.place_of(next_draw()));
}

std::uint32_t claim_set::claim_pair() noexcept {
    if (order_) {
        if (const std::uint32_t index = order_->oldest(); index != none) {
            return bitmap_.claim_pair(bitmap_.place_of(index));
        }
    }
    return bitmap_.claim_pair(bitmap_.place_of(next_draw()));
}

std::uint32_t claim_set::claim_run(std::uint32_t length, std::uint32_t alignment) noexcept {
    if (order_) {
        if (const std::uint32_t index = order_->oldest(); index != none) {
            return bitmap_.claim_run(bitmap_.place_of(index), length, alignment);
        }
    }
    return bitmap_.claim_run(bitmap_.place_of(next_draw()), length, alignment);
}

void claim_set::put_back(std::uint32_t index) noexcept {
    bitmap_.put_back(index);
    if (order_) order_->append(index);
}

void claim_set::cool(std::uint32_t index, std::uint64_t ready_at) noexcept {
    ready_at_[index].store(ready_at, std::memory_order_relaxed);
    cooling_.enqueue(index);
}

std::uint32_t claim_set::next_due(std::uint64_t now) noexcept {
    return cooling_.dequeue_if(
        [&](std::uint32_t index) { return ready_at_[index].load(std::memory_order_relaxed) <= now; });
}

}  // namespace berth::claim
