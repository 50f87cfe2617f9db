// Memory that what ended leaves to what begins: for operations and for sockets, so that the steady state allocates
// nothing. One thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace berth::detail {

/// Blocks of memory, by size, each used again and again.
class recycled_memory {
public:
    ~recycled_memory();
    void* take(std::size_t size);
    void put(void* memory, std::size_t size) noexcept;

    static constexpr std::size_t step = 64, largest = 1024;  // bytes
    [[nodiscard]] static std::size_t rounded(std::size_t size) noexcept { return (size + step - 1) / step * step; }

private:
    struct block {
        block* next;
    };
    std::array<block*, largest / step + 1> free_{};
    std::array<std::uint16_t, largest / step + 1> kept_{};
};

}  // namespace berth::detail
