// Taking and putting, and who does: see recycled_memory.hpp.
#include "backend/recycled_memory.hpp"

#include "backend/loop_parts.hpp"

#include <new>

namespace berth::detail {
namespace {

constexpr std::uint16_t most_kept = 256;  // of a size

}  // namespace

recycled_memory::~recycled_memory() {
    for (block* b : free_) {
        while (b != nullptr) ::operator delete(std::exchange(b, b->next));
    }
}

void* recycled_memory::take(std::size_t size) {
    const std::size_t n = rounded(size) / step;
    if (n >= free_.size() || free_[n] == nullptr) return ::operator new(rounded(size));
    --kept_[n];
    return std::exchange(free_[n], free_[n]->next);
}

void recycled_memory::put(void* memory, std::size_t size) noexcept {
    const std::size_t n = rounded(size) / step;
    if (n >= free_.size() || kept_[n] == most_kept) return ::operator delete(memory);
    ++kept_[n];
    free_[n] = new (memory) block{free_[n]};
}

// In front of an attachment: whose memory it is.
constexpr std::size_t before_attachment = alignof(std::max_align_t);

void* attachment::operator new(std::size_t size, recycled_memory& pool) {
    void* const memory = pool.take(size + before_attachment);
    *static_cast<recycled_memory**>(memory) = &pool;
    return static_cast<std::byte*>(memory) + before_attachment;
}

void attachment::operator delete(void* memory, std::size_t size) noexcept {
    void* const start = static_cast<std::byte*>(memory) - before_attachment;
    recycled_memory* const pool = *static_cast<recycled_memory**>(start);
    pool != nullptr ? pool->put(start, size + before_attachment) : ::operator delete(start);
}

void attachment::leave_pool() noexcept {
    void* const start = static_cast<std::byte*>(static_cast<void*>(this)) - before_attachment;  // it is its first base
    *static_cast<recycled_memory**>(start) = nullptr;
}

void* event_loop::allocate(std::size_t size) {
    return is_here() ? parts_->memory.take(size) : ::operator new(recycled_memory::rounded(size));
}

void event_loop::deallocate(void* memory, std::size_t size) noexcept {
    is_here() ? parts_->memory.put(memory, size) : ::operator delete(memory);
}

}  // namespace berth::detail
