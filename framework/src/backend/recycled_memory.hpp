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

    /// Small sizes, of which there is one for each connection, are kept apart more finely than large ones.
    static constexpr std::size_t fine = 16, fine_until = 256, step = 64, largest = 1024;  // bytes
    [[nodiscard]] static constexpr std::size_t rounded(std::size_t size) noexcept {
        const std::size_t s = size <= fine_until ? fine : step;
        return (size + s - 1) / s * s;
    }

private:
    struct block {
        block* next;
    };
    static constexpr std::size_t class_of(std::size_t size) noexcept {
        if (size <= fine_until) return (size + fine - 1) / fine;
        return fine_until / fine + (size - fine_until + step - 1) / step;
    }
    static constexpr std::size_t classes = fine_until / fine + (largest - fine_until) / step + 1;
    static const void* this_thread() noexcept;

    const memory_source& source_;
    void* heap_ = nullptr;
    std::atomic<const void*> heap_thread_{nullptr};  // others look whether it is theirs
    std::array<block*, classes> free_{};
    std::array<std::uint16_t, classes> kept_{};
};

}  // namespace berth::detail
