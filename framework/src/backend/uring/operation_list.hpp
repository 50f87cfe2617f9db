// What the ring's backend knows of an operation (in operation::scratch and operation::state), and lists of them.
//
// An operation that has not ended is in one place at a time, and in at most one list, which its place names; one that
// the kernel has is in none, or among those to be cancelled. Linked both ways: any of them may go at any time.
#pragma once

#include <berth/detail/operation.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace berth::detail {

/// Where an operation is; the low bits of operation::state.
enum class place : std::uint8_t {
    idle,
    queued,   ///< in its direction, behind one that was started earlier
    backlog,  ///< for a free entry of the submission queue
    starved,  ///< for a buffer to lend
    kernel,   ///< its submission entry is written, if not handed over yet
    ended,    ///< its last result waits for next()
};

namespace mark {  // the high bits of operation::state
inline constexpr std::uint8_t cancelled = 1 << 3;
inline constexpr std::uint8_t quieted = 1 << 4;
inline constexpr std::uint8_t by_poll = 1 << 5;    ///< the kernel has a poll in its stead
inline constexpr std::uint8_t listed = 1 << 6;     ///< among those whose cancellation is to be submitted
inline constexpr std::uint8_t last_seen = 1 << 7;  ///< the kernel is done with it, its last result is not fetched
}  // namespace mark

/// Bytes for the ancillary data of a lent datagram, where it is the backend that chooses buffers.
inline constexpr std::size_t room_for_control = 128;

struct uring_part {
    struct going_on {            // of one with `many`, unless the message is the kernel's pattern
        std::uint32_t capacity;  // bytes at operation::address, as it was started with
        std::uint32_t buffer;    // the one it fills, where it is the backend that chooses
        bool wants_control;
    };
    union {
        msghdr message;
        going_on many;
    };
    operation* next;
    operation* previous;
    union {
        std::uint32_t sequence;  ///< its entry's number in the submission queue
        int result;              ///< once it has ended
    };
    int flags;  ///< those it was started with
};
static_assert(sizeof(uring_part) <= sizeof(operation::scratch));
static_assert(alignof(uring_part) <= alignof(std::uint64_t));

/// Parts are handed to the kernel as they are.
static_assert(sizeof(buffer_part) == sizeof(iovec) && offsetof(buffer_part, data) == offsetof(iovec, iov_base) &&
              offsetof(buffer_part, size) == offsetof(iovec, iov_len));

inline uring_part& part_of(operation& op) noexcept {
    return *std::launder(reinterpret_cast<uring_part*>(op.scratch));
}

inline place place_of(const operation& op) noexcept { return static_cast<place>(op.state & 7); }
inline bool is_marked(const operation& op, std::uint8_t marks) noexcept { return (op.state & marks) != 0; }
inline void set_mark(operation& op, std::uint8_t m) noexcept { op.state = static_cast<std::uint8_t>(op.state | m); }
inline void clear_mark(operation& op, std::uint8_t m) noexcept {
    op.state = static_cast<std::uint8_t>(op.state & ~m);
}
inline void put_at(operation& op, place p) noexcept {
    op.state = static_cast<std::uint8_t>((op.state & ~7) | static_cast<std::uint8_t>(p));
}

/// Linked in a circle, so that one pointer knows both ends.
class operation_list {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] operation* first() const noexcept { return first_; }
    /// nullptr: it is the first.
    [[nodiscard]] operation* before(operation& op) const noexcept {
        return &op == first_ ? nullptr : part_of(op).previous;
    }

    void push_back(operation& op) noexcept {
        uring_part& part = part_of(op);
        if (first_ == nullptr) {
            part.next = part.previous = first_ = &op;
        } else {
            insert_between(*part_of(*first_).previous, op, *first_);
        }
    }

    /// nullptr: in front of all.
    void insert_behind(operation* before, operation& op) noexcept {
        if (before == nullptr) {
            push_back(op);
            first_ = &op;
        } else {
            insert_between(*before, op, *part_of(*before).next);
        }
    }

    void remove(operation& op) noexcept {
        const uring_part& part = part_of(op);
        if (first_ == &op) first_ = part.next == &op ? nullptr : part.next;
        part_of(*part.previous).next = part.next;
        part_of(*part.next).previous = part.previous;
    }

    operation* pop_front() noexcept {
        operation* const op = first_;
        if (op != nullptr) remove(*op);
        return op;
    }

private:
    static void insert_between(operation& before, operation& op, operation& behind) noexcept {
        part_of(op).previous = &before;
        part_of(op).next = &behind;
        part_of(before).next = part_of(behind).previous = &op;
    }

    operation* first_ = nullptr;
};

}  // namespace berth::detail
