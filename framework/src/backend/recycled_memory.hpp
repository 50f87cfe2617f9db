// Memory that what ended leaves to what begins: for operations and for sockets, so that the steady state allocates
// nothing. One thread at a time.
//
// Blocks come from the heap of the shard, on its thread, else from the source that the heap belongs to.
#pragma once

#include "memory/memory_source.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace berth::detail {

/// Blocks of memory, by size, each used again and again.
class recycled_memory {
public:
    recycled_memory() : source_(the_memory_source()) {}
    ~recycled_memory();
    recycled_memory(const recycled_memory&) = delete;
    recycled_memory& operator=(const recycled_memory&) = delete;

    void* take(std::size_t size);
    void put(void* memory, std::size_t size) noexcept;
    /// Never recycled: for source.free(), from any thread, also after this is gone.
    void* draw(std::size_t size);

    /// A heap that this thread alone draws from, until it leaves it.
    void enter_heap() noexcept;
    void leave_heap() noexcept;

    static constexpr std::size_t step = 64, largest = 1024;  // bytes
    [[nodiscard]] static std::size_t rounded(std::size_t size) noexcept { return (size + step - 1) / step * step; }

private:
    struct block {
        block* next;
    };
    static const void* this_thread() noexcept;

    const memory_source& source_;
    void* heap_ = nullptr;
    std::atomic<const void*> heap_thread_{nullptr};  // others look whether it is theirs
    std::array<block*, largest / step + 1> free_{};
    std::array<std::uint16_t, largest / step + 1> kept_{};
};

}  // namespace berth::detail
