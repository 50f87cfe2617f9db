// See buffer_ring.hpp.
#include "baseline/raw/uring/buffer_ring.hpp"

#include "baseline/raw/uring/ring.hpp"

#include <sys/mman.h>

#include <cstring>

namespace berth::bench::raw {
namespace {

char* map(std::size_t size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) check_result(-errno, "mmap");
    return static_cast<char*>(memory);
}

}  // namespace

buffer_ring::buffer_ring(io_uring& ring, unsigned count, std::size_t size, bool incremental, std::size_t alternative)
    : count_(count), mask_(io_uring_buf_ring_mask(count)), size_(size), uses_(count) {
    entries_ = reinterpret_cast<io_uring_buf_ring*>(map(count * sizeof(io_uring_buf)));
    io_uring_buf_ring_init(entries_);
    constexpr unsigned short consume_in_parts = 2;  // IOU_PBUF_RING_INC, not in liburing 2.3
    incremental_ = incremental && register_ring(ring, consume_in_parts);
    if (incremental && !incremental_) size_ = alternative;
    if (!incremental_ && !register_ring(ring, 0)) check_result(-errno, "registering buffers");

    memory_size_ = count * size_;
    memory_ = map(memory_size_);
    ::madvise(memory_, memory_size_, MADV_HUGEPAGE);
    std::memset(memory_, 0, memory_size_);  // touched now, so that no slice pays for it
    for (unsigned id = 0; id < count; ++id)
        io_uring_buf_ring_add(entries_, at(id), static_cast<unsigned>(size_), static_cast<unsigned short>(id), mask_,
                              static_cast<int>(id));
    io_uring_buf_ring_advance(entries_, static_cast<int>(count));
}

buffer_ring::~buffer_ring() {
    ::munmap(memory_, memory_size_);
    ::munmap(entries_, count_ * sizeof(io_uring_buf));
}

bool buffer_ring::register_ring(io_uring& ring, unsigned short flags) noexcept {
    io_uring_buf_reg order{};
    order.ring_addr = reinterpret_cast<std::uint64_t>(entries_);
    order.ring_entries = count_;
    order.bgid = group;
    order.pad = flags;  // named so where 2.3 knows of no flags
    const int result = io_uring_register_buf_ring(&ring, &order, 0);
    if (result < 0) errno = -result;
    return result >= 0;
}

}  // namespace berth::bench::raw
