// A loop's recycled memory as an allocator, and the right way to make and free what a handler brought its own for.
#pragma once

#include <berth/detail/event_loop.hpp>

#include <asio/associated_allocator.hpp>

#include <cstddef>
#include <memory>

namespace berth::detail {

template <class T>
class loop_allocator {
public:
    using value_type = T;
    explicit loop_allocator(event_loop& loop) noexcept : loop_(&loop) {}
    template <class U>
    loop_allocator(const loop_allocator<U>& other) noexcept : loop_(other.loop_) {}

    T* allocate(std::size_t n) {
        static_assert(alignof(T) <= alignof(std::max_align_t));
        return static_cast<T*>(loop_->allocate(n * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t n) noexcept { loop_->deallocate(memory, n * sizeof(T)); }

    template <class U>
    bool operator==(const loop_allocator<U>& other) const noexcept {
        return loop_ == other.loop_;
    }

private:
    template <class>
    friend class loop_allocator;
    event_loop* loop_;
};

/// The handler's own allocator, or the loop's memory if it brought none.
template <class T, class Handler>
auto allocator_for(const Handler& handler, event_loop& loop) noexcept {
    auto associated = asio::get_associated_allocator(handler, loop_allocator<void>(loop));
    using type = typename std::allocator_traits<decltype(associated)>::template rebind_alloc<T>;
    return type(associated);
}

template <class T, class Handler, class... Args>
T* make_for(const Handler& handler, event_loop& loop, Args&&... args) {
    auto allocator = allocator_for<T>(handler, loop);
    T* const memory = allocator.allocate(1);
    try {
        return new (memory) T(static_cast<Args&&>(args)...);
    } catch (...) {
        allocator.deallocate(memory, 1);
        throw;
    }
}

}  // namespace berth::detail
