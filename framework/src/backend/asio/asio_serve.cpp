// Accepting and lending receives: the socket can be read, the operation is in the row, next() takes what is there.
//
// Invariant: of the operations that wait for one socket's readability, only the first is looked after (watch), and it
// is in the row (serving), in front of `hungry`, or Asio looks at the socket for it (looking). A turn serves a
// limited number of times, so that a flood of clients or datagrams ends a turn as anything else does.
#include "backend/asio/asio_backend.hpp"
#include "backend/asio/system_words.hpp"

#include <asio/error.hpp>

#include <algorithm>
#include <new>

namespace berth::detail {
namespace {

constexpr int nothing_there = -static_cast<int>(asio::error::would_block);

int accept_from(asio_attachment& listener, operation& op) noexcept {
    std::uint32_t size = 0;
    if (!op.has_message) return take_client(listener.native(), nullptr, size);
    message_operation& whole = with_message(op);
    size = notes(whole).address_capacity;
    const int result = take_client(listener.native(), whole.address, size);
    if (result >= 0 && whole.address != nullptr) whole.address_size = size;
    return result;
}

}  // namespace

/// Pre: nobody is looked after. The first that waits steps into the row.
void asio_backend::serve_next(asio_attachment& s) noexcept {
    operation* const op = s.hungry.pop();
    s.watched = op == nullptr ? watch::none : watch::serving;
    if (op == nullptr) return feed();
    set_state(*op, op_state::served);
    ready_.push(*op);
}

/// Puts it in front of those who wait, and has Asio look at the socket.
void asio_backend::look_at(asio_attachment& s, operation& first) noexcept {
    set_state(first, op_state::hungry);
    s.hungry.push_front(first);
    s.watched = watch::looking;
    try {
        hand_to_asio(s, nullptr,
                     [&](const landing& handler) { s.socket.async_wait(asio::socket_base::wait_read, handler); });
    } catch (const std::bad_alloc&) {
        s.watched = watch::none;
        s.hungry.remove(first);
        end(first, -static_cast<int>(asio::error::no_memory));
    }
}

/// One result of an operation in the row, or none: then it waits again, and its out-fields are as they were.
bool asio_backend::serve(operation& op, completion& out) noexcept {
    auto& s = static_cast<asio_attachment&>(*op.socket);
    out = {.op = &op};
    bool empty_now = false;
    if (op.what == verb::accept) {
        out.result = accept_from(s, op);
    } else {
        empty_now = lend(s, op, out);
        if (s.watched == watch::starving) return false;
    }
    if (out.result == nothing_there) {
        look_at(s, op);
        return false;
    }
    const bool stream_ended = op.what == verb::receive && out.result == 0 && !s.kind.is_datagram;
    out.more = op.many && out.result >= 0 && !stream_ended;
    if (!out.more) {
        serve_next(s);
    } else if (empty_now) {
        look_at(s, op);
    } else {
        ready_.push(op);
    }
    return true;
}

/// Receives into a free buffer. True if the socket is known to be empty now.
bool asio_backend::lend(asio_attachment& s, operation& op, completion& out) noexcept {
    if (free_buffers_.empty()) {
        set_state(op, op_state::hungry);
        s.hungry.push_front(op);
        starve(s);
        return false;
    }
    out.lent_id = free_buffers_.back();
    free_buffers_.pop_back();
    out.lent = {buffers_.get() + std::size_t{out.lent_id} * buffer_size_, buffer_size_};
    if (op.has_message && notes(with_message(op)).control_room != 0) {
        lend_with_control(s, with_message(op), out);
    } else {
        lend_plainly(s, op, out);
    }
    if (out.result < 0 || (out.result == 0 && !s.kind.is_datagram)) {
        out.lent = {};
        return_buffer(out.lent_id);
        return false;
    }
    out.lent.size = static_cast<std::size_t>(out.result);
    return !s.kind.is_datagram && out.lent.size < buffer_size_;
}

void asio_backend::lend_plainly(asio_attachment& s, operation& op, completion& out) noexcept {
    const auto room = asio::buffer(out.lent.data, out.lent.size);
    const int flags = op.flags | (s.kind.is_datagram ? ask_for_whole_size : 0);
    message_operation* const whole = op.has_message ? &with_message(op) : nullptr;
    const bool wants_source = whole != nullptr && whole->address != nullptr;
    address_in_place address;
    if (wants_source) address = address_in_place(whole->address, notes(*whole).address_capacity);
    std::error_code ec;
    const std::size_t bytes =
        wants_source ? s.socket.receive_from(room, address, flags, ec) : s.socket.receive(room, flags, ec);
    out.result = !ec ? static_cast<int>(std::min(bytes, room.size())) : ec == asio::error::eof ? 0 : -ec.value();
    if (out.result < 0 || whole == nullptr) return;
    if (wants_source) whole->address_size = static_cast<std::uint32_t>(address.size());
    if (s.kind.is_datagram) whole->came_with = bytes > room.size() ? was_truncated : 0;
}

// The ancillary data lies at the buffer's end.
void asio_backend::lend_with_control(asio_attachment& s, message_operation& op, completion& out) noexcept {
    const std::uint32_t control = notes(op).control_room / 8 * 8;
    const buffer_part room{out.lent.data, (out.lent.size - control) / 8 * 8};
    datagram_words words{.address = op.address,
                         .address_size = notes(op).address_capacity,
                         .control = static_cast<std::byte*>(room.data) + room.size,
                         .control_size = control,
                         .flags = op.flags | ask_for_whole_size};
    const int bytes = take_datagram(s.native(), room, words);
    out.result = std::min(bytes, static_cast<int>(room.size));
    if (out.result < 0) return;
    op.address_size = words.address_size;
    op.control = words.control;
    op.control_size = words.control_size;
    op.came_with = words.flags;
}

void asio_backend::return_buffer(std::uint32_t id) noexcept {
    free_buffers_.push_back(id);  // within its capacity: no buffer is lent twice
    feed();
}

/// A buffer is free: the socket that has waited longest for one is served. Called whenever one might be left unused.
void asio_backend::feed() noexcept {
    if (free_buffers_.empty() || first_starving_ == nullptr) return;
    asio_attachment& s = *first_starving_;
    stop_starving(s);
    serve_next(s);
}

void asio_backend::starve(asio_attachment& s) noexcept {
    s.watched = watch::starving;
    s.starves_before = last_starving_;
    s.starves_after = nullptr;
    (last_starving_ == nullptr ? first_starving_ : last_starving_->starves_after) = &s;
    last_starving_ = &s;
}

void asio_backend::stop_starving(asio_attachment& s) noexcept {
    if (s.watched != watch::starving) return;
    s.watched = watch::none;
    (s.starves_before == nullptr ? first_starving_ : s.starves_before->starves_after) = s.starves_after;
    (s.starves_after == nullptr ? last_starving_ : s.starves_after->starves_before) = s.starves_before;
}

}  // namespace berth::detail
