// Operations in a row, linked through their scratch: what a backend knows of each while it is under way.
#pragma once

#include <berth/detail/operation.hpp>

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

/// What is in operation::scratch.
struct op_notes {
    operation* behind = nullptr;
    running* record = nullptr;
    int result = 0;
    int flags = 0;                       ///< those it was started with: op.flags changes with each datagram
    std::uint32_t address_capacity = 0;  ///< as it was started with: op.address_size changes with each result
    std::uint32_t control_room = 0;      ///< likewise
};
static_assert(sizeof(op_notes) <= sizeof(operation::scratch));

inline op_notes& notes(operation& op) noexcept { return *std::launder(reinterpret_cast<op_notes*>(op.scratch)); }
inline op_state state_of(const operation& op) noexcept { return static_cast<op_state>(op.state); }
inline void set_state(operation& op, op_state s) noexcept { op.state = static_cast<std::uint8_t>(s); }

/// First in, first out. An operation is in one row at a time.
class operation_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    void push(operation& op) noexcept {
        notes(op).behind = nullptr;
        (first_ == nullptr ? first_ : notes(*last_).behind) = &op;
        last_ = &op;
    }
    void push_front(operation& op) noexcept {
        notes(op).behind = first_;
        if (first_ == nullptr) last_ = &op;
        first_ = &op;
    }
    operation* pop() noexcept {
        operation* const op = first_;
        if (op != nullptr) first_ = notes(*op).behind;
        return op;
    }
    /// Pre: it is in this row. Walks.
    void remove(operation& op) noexcept {
        operation* before = nullptr;
        for (operation* o = first_; o != &op; o = notes(*o).behind) before = o;
        (before == nullptr ? first_ : notes(*before).behind) = notes(op).behind;
        if (last_ == &op) last_ = before;
    }
    /// Moves all of the other's to this one's end.
    void append(operation_queue& other) noexcept {
        if (other.empty()) return;
        (empty() ? first_ : notes(*last_).behind) = other.first_;
        last_ = other.last_;
        other.first_ = nullptr;
    }

private:
    operation* first_ = nullptr;
    operation* last_ = nullptr;
};

}  // namespace berth::detail
