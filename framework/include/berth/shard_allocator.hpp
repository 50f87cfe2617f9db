// An allocator whose memory comes from the heap of a shard: no other thread draws from it, so nothing is shared.
//
// What it gave may be given back by any thread and at any time, also when the shard is long gone; so any two of these
// allocators are equal. On a thread that does not run the shard it draws from the process's memory source instead
// (see io_context::memory_reason()).
#pragma once

#include <berth/detail/current_shard.hpp>
#include <berth/io_context.hpp>

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>

namespace berth::inline v0_1 {

template <class T>
class shard_allocator {
public:
    using value_type = T;
    using is_always_equal = std::true_type;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_copy_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;

    /// Of the shard that the calling thread runs; without one, of none.
    shard_allocator() noexcept : loop_(detail::this_threads_shard().loop) {}
    /// The context outlives all allocating, not what was allocated.
    explicit shard_allocator(io_context& context) noexcept : loop_(&context.loop()) {}
    template <class U>
    shard_allocator(const shard_allocator<U>& other) noexcept : loop_(other.loop_) {}

    /// Throws std::bad_alloc.
    [[nodiscard]] T* allocate(std::size_t n) {
        static_assert(alignof(T) <= alignof(std::max_align_t), "a shard's heap aligns for fundamental types");
        if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
        return static_cast<T*>(detail::event_loop::allocate_lasting(loop_, n * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t) noexcept { detail::event_loop::free_lasting(memory); }

    template <class U>
    bool operator==(const shard_allocator<U>&) const noexcept {
        return true;
    }

private:
    template <class>
    friend class shard_allocator;
    detail::event_loop* loop_;
};

}  // namespace berth::v0_1
