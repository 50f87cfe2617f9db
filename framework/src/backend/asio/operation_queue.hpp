// What the backend on Asio knows of an operation while it is under way, and operations in a row.
#pragma once

#include <berth/detail/operation.hpp>

#include <cassert>
#include <cstdint>
#include <new>

namespace berth::detail {

struct running;

enum class op_state : std::uint8_t {
    idle,
    in_asio,  ///< Asio has it
    hungry,   ///< waits until its socket can be read, or for a buffer to lend
    served,   ///< in the row of results: next() tries to take what it is for
    ended,    ///< in the row of results, with its last one
};

/// Asio's record of one that it has. Such a one is in no row.
inline running& record_of(const operation& op) noexcept { return *static_cast<running*>(op.note); }

/// In message_operation::scratch: what changes with each result, as it was started with.
struct message_notes {
    std::uint32_t address_capacity = 0;
    std::uint32_t control_room = 0;
};
static_assert(sizeof(message_notes) <= sizeof(message_operation::scratch));

/// Pre: it has one.
inline message_operation& with_message(operation& op) noexcept {
    assert(op.has_message);
    return static_cast<message_operation&>(op);
}
inline message_notes& notes(message_operation& op) noexcept {
    return *std::launder(reinterpret_cast<message_notes*>(op.scratch));
}
inline op_state state_of(const operation& op) noexcept { return static_cast<op_state>(op.state); }
inline void set_state(operation& op, op_state s) noexcept { op.state = static_cast<std::uint16_t>(s); }

/// First in, first out; linked by next_ready. An operation is in one row at a time.
class operation_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    void push(operation& op) noexcept {
        op.next_ready = nullptr;
        (first_ == nullptr ? first_ : last_->next_ready) = &op;
        last_ = &op;
    }
    void push_front(operation& op) noexcept {
        op.next_ready = first_;
        if (first_ == nullptr) last_ = &op;
        first_ = &op;
    }
    operation* pop() noexcept {
        ready_node* const op = first_;
        if (op != nullptr) first_ = op->next_ready;
        return static_cast<operation*>(op);
    }
    /// Pre: it is in this row. Walks.
    void remove(operation& op) noexcept {
        ready_node* before = nullptr;
        for (ready_node* o = first_; o != &op; o = o->next_ready) before = o;
        (before == nullptr ? first_ : before->next_ready) = op.next_ready;
        if (last_ == &op) last_ = before;
    }
    /// Moves all of the other's to this one's end.
    void append(operation_queue& other) noexcept {
        if (other.empty()) return;
        (empty() ? first_ : last_->next_ready) = other.first_;
        last_ = other.last_;
        other.first_ = nullptr;
    }

private:
    ready_node* first_ = nullptr;
    ready_node* last_ = nullptr;
};

}  // namespace berth::detail
