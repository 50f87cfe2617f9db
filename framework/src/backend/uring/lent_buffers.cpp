// Buffers to lend: their memory, the ring the kernel chooses from, and the stack for when it does not.
#include "backend/uring/lent_buffers.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>

namespace berth::detail {
namespace {

constexpr std::uint32_t smallest_buffer = 512;  // what we write into one before it is filled fits twice
constexpr std::uint32_t largest_buffer = 1U << 30;
constexpr std::uint32_t most_buffers = 1U << 15;

void* map(std::size_t size) noexcept {
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

lent_buffers::~lent_buffers() {
    if (memory_ != nullptr) ::munmap(memory_, std::size_t{size_} * count_);
    if (offered_ != nullptr) ::munmap(offered_, sizeof(::io_uring_buf) * count_);
}

bool lent_buffers::open(std::uint32_t size, std::uint32_t count) noexcept {
    size_ = (std::clamp(size, smallest_buffer, largest_buffer) + 7) / 8 * 8;
    count_ = std::bit_ceil(std::clamp(count, 1U, most_buffers));
    memory_ = static_cast<std::byte*>(map(std::size_t{size_} * count_));
    is_free_.reset(new (std::nothrow) bool[count_]);
    stack_.reset(new (std::nothrow) std::uint32_t[count_]);
    if (memory_ == nullptr || is_free_ == nullptr || stack_ == nullptr) return false;
    for (stacked_ = 0; stacked_ < count_; ++stacked_) {
        is_free_[stacked_] = true;
        stack_[stacked_] = count_ - 1 - stacked_;
    }
    free_ = count_;
    return true;
}

// The old ring's kernel does not look any more at what was offered to it; fresh pages, because it may hold the old.
bool lent_buffers::join(const ring& chooser) noexcept {
    auto* const fresh = static_cast<::io_uring_buf_ring*>(map(sizeof(::io_uring_buf) * count_));
    if (fresh == nullptr) return false;
    ::io_uring_buf_reg request{};
    request.ring_addr = reinterpret_cast<std::uintptr_t>(fresh);
    request.ring_entries = count_;
    request.bgid = group;
    const int error =
        ::io_uring_register(static_cast<unsigned>(chooser.descriptor()), IORING_REGISTER_PBUF_RING, &request, 1);
    if (error != 0) {
        ::munmap(fresh, sizeof(::io_uring_buf) * count_);
        return false;
    }
    if (offered_ != nullptr) ::munmap(offered_, sizeof(::io_uring_buf) * count_);
    offered_ = fresh;
    tail_ = 0;
    stacked_ = 0;
    is_joined_ = true;
    for (std::uint32_t id = 0; id < count_; ++id) {
        if (is_free_[id]) offer(id);
    }
    return true;
}

// Field by field: the ring's tail lies in what would be padding of the first entry.
void lent_buffers::offer(std::uint32_t id) noexcept {
    ::io_uring_buf& entry = reinterpret_cast<::io_uring_buf*>(offered_)[tail_ & (count_ - 1)];
    entry.addr = reinterpret_cast<std::uintptr_t>(at(id));
    entry.len = size_;
    entry.bid = static_cast<std::uint16_t>(id);
    ::io_uring_smp_store_release(&offered_->tail, ++tail_);
}

std::uint32_t lent_buffers::take() noexcept {
    assert(!is_joined_);
    if (stacked_ == 0) return none;
    const std::uint32_t id = stack_[--stacked_];
    taken(id);
    return id;
}

void lent_buffers::give_back(std::uint32_t id) noexcept {
    if (id >= count_ || is_free_[id]) {
        assert(false && "a buffer that nobody had");
        return;
    }
    is_free_[id] = true;
    ++free_;
    if (is_joined_) {
        offer(id);
    } else {
        stack_[stacked_++] = id;
    }
}

}  // namespace berth::detail
