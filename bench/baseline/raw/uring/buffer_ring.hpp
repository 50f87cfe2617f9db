// Buffers that the kernel picks from when data is there. Set up by hand: liburing has calls for it since 2.4 only.
//
// Where the kernel has incremental buffers (IOU_PBUF_RING_INC, 6.12) one large buffer takes many reads, one behind
// the other; a CQE then says whether the kernel is done with it. Invariant: a buffer goes back to the kernel when the
// kernel is done with it and nobody reads from it any more.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace berth::bench::raw {

class buffer_ring {
public:
    static constexpr unsigned group = 0;

    /// count: a power of two. incremental: if the kernel can; `alternative` is the size if it cannot.
    buffer_ring(io_uring& ring, unsigned count, std::size_t size, bool incremental, std::size_t alternative);
    ~buffer_ring();
    buffer_ring(const buffer_ring&) = delete;
    buffer_ring& operator=(const buffer_ring&) = delete;

    [[nodiscard]] bool incremental() const noexcept { return incremental_; }

    /// What a completion of `size` bytes read; in use until release(). Pre: cqe.flags has IORING_CQE_F_BUFFER.
    [[nodiscard]] char* received(const io_uring_cqe& cqe) noexcept {
        constexpr unsigned kernel_keeps_it = 1U << 4;  // IORING_CQE_F_BUF_MORE, not in liburing 2.3
        const unsigned id = index_of(cqe);
        use& u = uses_[id];
        char* data = at(id) + u.filled;
        u.filled += cqe.res > 0 ? static_cast<unsigned>(cqe.res) : 0;
        u.kernels = (cqe.flags & kernel_keeps_it) != 0;
        ++u.readers;
        return data;
    }
    void release(unsigned id) noexcept {
        use& u = uses_[id];
        if (--u.readers != 0 || u.kernels) return;
        u.filled = 0;
        io_uring_buf_ring_add(entries_, at(id), static_cast<unsigned>(size_), static_cast<unsigned short>(id), mask_,
                              static_cast<int>(returned_++));
    }
    /// Shows the kernel what was released since the last call; whether that was anything.
    bool publish() noexcept {
        if (returned_ == 0) return false;
        io_uring_buf_ring_advance(entries_, static_cast<int>(returned_));
        returned_ = 0;
        return true;
    }
    [[nodiscard]] static unsigned index_of(const io_uring_cqe& cqe) noexcept {
        return cqe.flags >> IORING_CQE_BUFFER_SHIFT;
    }

private:
    struct use {
        unsigned filled = 0;
        unsigned short readers = 0;
        bool kernels = true;  // it may still write here
    };
    [[nodiscard]] char* at(unsigned id) const noexcept { return memory_ + id * size_; }
    bool register_ring(io_uring& ring, unsigned short flags) noexcept;

    unsigned count_;
    int mask_;
    std::size_t size_;
    bool incremental_ = false;
    io_uring_buf_ring* entries_ = nullptr;
    char* memory_ = nullptr;
    std::size_t memory_size_ = 0;
    unsigned returned_ = 0;
    std::vector<use> uses_;
};

}  // namespace berth::bench::raw
