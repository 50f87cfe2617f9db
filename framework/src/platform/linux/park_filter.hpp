// Parking by one store: an eBPF socket filter that reads a memory-mapped array, index of the port -> cookie.
//
// Invariant: a packet is dropped exactly if it is for port first + i, cell i is not 0, and the socket that is about
// to receive it has cell i as its cookie. So a listener's children (cookies of their own) live on while it is parked,
// and ports outside the block pass. Cookies are never given out twice: a replaced session socket passes until it is
// parked. Attached sockets keep program and array alive after the block's end. The destructor therefore opens every
// cell, and as it unmaps the only writable view, sockets that were detached from a released block pass for ever;
// unless another process has the array by then (share), which decides from there on. A
// packet that another core had already let through can be queued a moment after park(): drain at open() too.
#pragma once

#include "platform/linux/system_calls.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace berth::platform {

class park_filter {
public:
    /// nullptr and error = -errno where the kernel or the privileges refuse.
    static std::unique_ptr<park_filter> load(system_calls& calls, std::uint16_t first, std::uint32_t count,
                                             int& error);
    /// A filter that another process made: its array and its program, ours to close if it succeeds. It opens nothing
    /// at its end unless owns_cells(true) was said. -EINVAL: they are not such.
    static std::unique_ptr<park_filter> share(system_calls& calls, int array, int program, std::uint32_t count,
                                              int& error);
    ~park_filter();
    park_filter(const park_filter&) = delete;
    park_filter& operator=(const park_filter&) = delete;

    /// Silences the socket with this cookie on port first + index. Pre: index < count.
    void park(std::uint32_t index, std::uint64_t cookie) noexcept { store(index, cookie); }
    void open(std::uint32_t index) noexcept { store(index, 0); }
    [[nodiscard]] bool parked(std::uint32_t index) const noexcept {
        return std::atomic_ref(cells_[index]).load(std::memory_order_relaxed) != 0;
    }

    /// Whether the end of this object opens all ports.
    void owns_cells(bool owns) noexcept { owns_cells_ = owns; }
    [[nodiscard]] int array() const noexcept { return array_; }
    [[nodiscard]] int program() const noexcept { return program_; }

    /// Attaches the filter, in place of any other. 0 or -errno (-EPERM: the socket's filter is locked).
    int attach(int fd) noexcept;

    /// True if load() and attach() would succeed here and now: tries both for one port, 0.14 ms.
    static bool permitted(system_calls& calls);

    /// Bytes mapped: 8 a port, in whole pages.
    [[nodiscard]] std::size_t mapped_bytes() const noexcept { return bytes_; }

private:
    park_filter(system_calls& calls, std::uint64_t* cells, std::uint32_t count, std::size_t bytes, int array,
                int program) noexcept
        : cells_(cells), calls_(calls), bytes_(bytes), count_(count), array_(array), program_(program) {}
    static std::unique_ptr<park_filter> map(system_calls& calls, int array, int program, std::uint32_t count,
                                            int& error);
    void store(std::uint32_t index, std::uint64_t value) noexcept {
        std::atomic_ref(cells_[index]).store(value, std::memory_order_release);
    }

    std::uint64_t* cells_;
    system_calls& calls_;
    std::size_t bytes_;
    std::uint32_t count_;
    int array_;
    int program_;
    bool owns_cells_ = true;
};

}  // namespace berth::platform
