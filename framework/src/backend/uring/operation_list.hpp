// What the ring's backend knows of an operation (in operation::state and note, message_operation::scratch), and lists
// of them.
//
// An operation that has not ended is in one place at a time, and in at most one list, which its place names; one that
// the kernel has is in none, or among those to be cancelled, or those whose cancellation it has. Linked both ways: any of them may go at any time.
#pragma once

#include <berth/detail/operation.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <cassert>
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
inline constexpr std::uint16_t cancelled = 1 << 3;
inline constexpr std::uint16_t quieted = 1 << 4;
inline constexpr std::uint16_t by_poll = 1 << 5;    ///< the kernel has a poll in its stead
inline constexpr std::uint16_t listed = 1 << 6;     ///< among those whose cancellation is to be submitted
inline constexpr std::uint16_t last_seen = 1 << 7;  ///< the kernel is done with it, its last result is not fetched
inline constexpr std::uint16_t impatient = 1 << 8;  ///< a send that the kernel was told not to let wait for room
inline constexpr std::uint16_t told = 1 << 9;       ///< among those whose cancellation the kernel has
}  // namespace mark

/// Bytes for the ancillary data of a lent datagram, where it is the backend that chooses buffers.
inline constexpr std::size_t room_for_control = 128;

/// In message_operation::scratch.
struct uring_message {
    msghdr message;          ///< of one with `many`, the kernel's pattern
    std::uint32_t capacity;  ///< bytes at message_operation::address, as it was started with
    bool wants_control;
};
static_assert(sizeof(uring_message) <= sizeof(message_operation::scratch));
static_assert(alignof(uring_message) <= alignof(std::uint64_t));

/// Parts are handed to the kernel as they are.
static_assert(sizeof(buffer_part) == sizeof(iovec) && offsetof(buffer_part, data) == offsetof(iovec, iov_base) &&
              offsetof(buffer_part, size) == offsetof(iovec, iov_len));

/// Pre: it has one.
inline message_operation& with_message(operation& op) noexcept {
    assert(op.has_message);
    return static_cast<message_operation&>(op);
}
inline uring_message& message_of(message_operation& op) noexcept {
    return *std::launder(reinterpret_cast<uring_message*>(op.scratch));
}

inline place place_of(const operation& op) noexcept { return static_cast<place>(op.state & 7); }
inline bool is_marked(const operation& op, std::uint16_t marks) noexcept { return (op.state & marks) != 0; }
inline void set_mark(operation& op, std::uint16_t m) noexcept { op.state = static_cast<std::uint16_t>(op.state | m); }
inline void clear_mark(operation& op, std::uint16_t m) noexcept {
    op.state = static_cast<std::uint16_t>(op.state & ~m);
}
inline void put_at(operation& op, place p) noexcept {
    op.state = static_cast<std::uint16_t>((op.state & ~7) | static_cast<std::uint16_t>(p));
}

/// Linked in a circle, so that one pointer knows both ends: forth by next_ready, back by note.
class operation_list {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] operation* first() const noexcept { return first_; }
    /// nullptr: it is the first.
    [[nodiscard]] operation* before(const operation& op) const noexcept {
        return &op == first_ ? nullptr : previous_of(op);
    }

    /// Of the last: the first.
    [[nodiscard]] operation* behind(const operation& op) const noexcept { return next_of(op); }

    void push_back(operation& op) noexcept {
        if (first_ == nullptr) {
            first_ = &op;
            link(op, op);
        } else {
            link(*previous_of(*first_), op);
            link(op, *first_);
        }
    }

    /// nullptr: in front of all.
    void insert_behind(operation* before, operation& op) noexcept {
        if (before == nullptr) {
            push_back(op);
            first_ = &op;
        } else {
            operation& behind = *next_of(*before);
            link(*before, op);
            link(op, behind);
        }
    }

    void remove(operation& op) noexcept {
        operation* const behind = next_of(op);
        if (first_ == &op) first_ = behind == &op ? nullptr : behind;
        link(*previous_of(op), *behind);
    }

    operation* pop_front() noexcept {
        operation* const op = first_;
        if (op != nullptr) remove(*op);
        return op;
    }

private:
    static operation* next_of(const operation& op) noexcept { return static_cast<operation*>(op.next_ready); }
    static operation* previous_of(const operation& op) noexcept { return static_cast<operation*>(op.note); }
    static void link(operation& one, operation& other) noexcept {
        one.next_ready = &other;
        other.note = &one;
    }

    operation* first_ = nullptr;
};

}  // namespace berth::detail
