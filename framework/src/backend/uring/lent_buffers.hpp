// The memory that receives lend: buffers of one size, known by number, chosen by the kernel or, if it cannot, by us.
//
// Where the kernel chooses, buffers that nobody has lie in a ring which it takes them from (liburing 2.3 registers
// such a ring, but leaves making it to us). Otherwise they lie in a stack. A buffer is in one hand at a time: in that
// ring or stack, with an operation, or lent.
#pragma once

#include "backend/uring/ring.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace berth::detail {

class lent_buffers {
public:
    static constexpr std::uint32_t none = ~0U;
    static constexpr std::uint16_t group = 0;

    lent_buffers() = default;
    lent_buffers(const lent_buffers&) = delete;
    lent_buffers& operator=(const lent_buffers&) = delete;
    ~lent_buffers();

    /// False: no memory. All of them are free.
    bool open(std::uint32_t size, std::uint32_t count) noexcept;

    /// From now on this ring's kernel chooses, among those that are free. False: it cannot; nothing changed.
    bool join(const ring& chooser) noexcept;
    [[nodiscard]] bool is_kernels_choice() const noexcept { return is_joined_; }

    /// Takes a free one; `none` if there is none. Pre: not the kernel's choice.
    std::uint32_t take() noexcept;
    /// The kernel has chosen this one. Again: no effect.
    void taken(std::uint32_t id) noexcept {
        free_ -= is_free_[id] ? 1 : 0;
        is_free_[id] = false;
    }
    void give_back(std::uint32_t id) noexcept;
    /// As far as was heard of what the kernel chose.
    [[nodiscard]] bool has_free() const noexcept { return free_ != 0; }

    [[nodiscard]] std::byte* at(std::uint32_t id) const noexcept { return memory_ + std::size_t{id} * size_; }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

private:
    void offer(std::uint32_t id) noexcept;

    std::byte* memory_ = nullptr;
    ::io_uring_buf_ring* offered_ = nullptr;
    std::unique_ptr<bool[]> is_free_;
    std::unique_ptr<std::uint32_t[]> stack_;
    std::uint32_t stacked_ = 0;
    std::uint32_t free_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t count_ = 0;
    std::uint16_t tail_ = 0;
    bool is_joined_ = false;
};

}  // namespace berth::detail
