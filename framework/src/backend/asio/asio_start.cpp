// Operations that Asio performs, from start to end, and the two ways of ending them early.
#include "backend/asio/asio_backend.hpp"
#include "backend/asio/system_words.hpp"

#include <asio/error.hpp>

#include <algorithm>
#include <new>

namespace berth::detail {
namespace {

bool lends_or_accepts(const operation& op) {
    return op.what == verb::accept || (op.what == verb::receive && op.many);
}

constexpr int too_many_parts = -static_cast<int>(asio::error::message_size);
constexpr int not_supported = -static_cast<int>(asio::error::operation_not_supported);
constexpr int no_memory = -static_cast<int>(asio::error::no_memory);

}  // namespace

void asio_backend::start(operation& op) noexcept {
    auto& s = static_cast<asio_attachment&>(*op.socket);
    message_operation* const whole = op.has_message ? &with_message(op) : nullptr;
    if (whole != nullptr) ::new (whole->scratch) message_notes{whole->address_size, whole->control_size};
    op.previous = nullptr;
    op.next = s.first;
    if (s.first != nullptr) s.first->previous = &op;
    s.first = &op;

    std::error_code ec;
    if (!s.socket.is_open()) assign(s, ec);
    if (ec) return end(op, -ec.value());
    if (op.what == verb::accept && s.kind.is_datagram) {
        end(op, not_supported);
    } else if (lends_or_accepts(op)) {
        set_state(op, op_state::hungry);
        s.hungry.push(op);
        if (s.watched == watch::none) look_at(s, *s.hungry.pop());
    } else if (s.kind.is_datagram && whole != nullptr && whole->part_count > most_parts) {
        end(op, too_many_parts);
    } else {
        try {
            op.what == verb::send && whole->control_size != 0 ? send_with_control(s, *whole) : initiate(s, op);
        } catch (const std::bad_alloc&) {
            end(op, no_memory);
        }
    }
}

void asio_backend::initiate(asio_attachment& s, operation& op) {
    hand_to_asio(s, &op, [&](const landing& handler) {
        running& record = *handler.record;
        op.note = &record;
        set_state(op, op_state::in_asio);
        switch (op.what) {
            case verb::receive:
            case verb::send:
            case verb::connect:
                return begin_message(s, with_message(op), handler);
            case verb::readable:
                return s.socket.async_wait(asio::socket_base::wait_read, handler);
            case verb::writable:
                return s.socket.async_wait(asio::socket_base::wait_write, handler);
            case verb::error:
                return s.socket.async_wait(asio::socket_base::wait_error, handler);
            case verb::accept:
                return;  // never gets here
        }
    });
}

// Also without an address: the other pair of functions stops at the end of a stream, or at an error, and leaves the
// operations behind in the queue for ever.
void asio_backend::begin_message(asio_attachment& s, message_operation& op, const landing& handler) {
    address_in_place& address = handler.record->address;
    address = address_in_place(op.address, op.address == nullptr ? 0 : op.address_size);
    if (op.what == verb::connect) return s.socket.async_connect(address, handler);
    if (op.what == verb::send) return s.socket.async_send_to(parts_to_send(op), address, op.flags, handler);
    const int flags = op.flags | (s.kind.is_datagram ? ask_for_whole_size : 0);
    s.socket.async_receive_from(parts_to_fill(op), address, flags, handler);
}

// Asio has no ancillary data: it says that there is room, the bytes are ours to send.
void asio_backend::send_with_control(asio_attachment& s, message_operation& op) {
    const datagram_words words{.address = op.address,
                               .address_size = op.address_size,
                               .control = op.control,
                               .control_size = op.control_size,
                               .flags = op.flags};
    const int result = send_datagram(s.native(), op.parts, op.part_count, words);
    if (result != -static_cast<int>(asio::error::would_block)) return end(op, result);
    hand_to_asio(s, &op, [&](const landing& handler) {
        op.note = handler.record;
        set_state(op, op_state::in_asio);
        s.socket.async_wait(asio::socket_base::wait_write, handler);
    });
}

void landing::operator()(const std::error_code& ec, std::size_t bytes) const noexcept {
    record->home->landed(*record, ec, bytes);
}

void asio_backend::landed(running& record, const std::error_code& ec, std::size_t bytes) noexcept {
    asio_attachment& s = *record.socket;
    operation* const op = record.op;
    const address_in_place address = record.address;
    pool_.give_back(&record);
    --s.in_asio;
    if (op == nullptr) {
        s.watched = watch::none;
        return serve_next(s);
    }
    if (op->what == verb::send && with_message(*op).control_size != 0 && !ec) {
        try {
            return send_with_control(s, with_message(*op));
        } catch (const std::bad_alloc&) {
            return end(*op, no_memory);
        }
    }
    int result = ec ? -ec.value() : static_cast<int>(bytes);
    if (op->what == verb::receive && result >= 0) {
        message_operation& whole = with_message(*op);
        if (whole.address != nullptr) whole.address_size = static_cast<std::uint32_t>(address.size());
        if (s.kind.is_datagram) {
            std::size_t room = 0;
            for (std::uint32_t i = 0; i < whole.part_count; ++i) room += whole.parts[i].size;
            whole.came_with = bytes > room ? was_truncated : 0;
            if ((op->flags & ask_for_whole_size) == 0) result = static_cast<int>(std::min(bytes, room));
        }
    }
    end(*op, result);
}

void asio_backend::end(operation& op, int result) noexcept {
    op.outcome = result;
    set_state(op, op_state::ended);
    ready_.push(op);
}

/// Its last result is handed out: from here on it is the caller's.
void asio_backend::forget(operation& op) noexcept {
    (op.previous == nullptr ? op.socket->first : op.previous->next) = op.next;
    if (op.next != nullptr) op.next->previous = op.previous;
    set_state(op, op_state::idle);
}

void asio_backend::cancel(operation& op) noexcept {
    auto& s = static_cast<asio_attachment&>(*op.socket);
    switch (state_of(op)) {
        case op_state::in_asio:
            return record_of(op).stop.emit(asio::cancellation_type::total);
        case op_state::hungry:
            s.hungry.remove(op);
            if (s.hungry.empty()) stop_starving(s);
            return end(op, aborted_result());
        case op_state::served:  // it is in the row already
            op.outcome = aborted_result();
            set_state(op, op_state::ended);
            return serve_next(s);
        case op_state::idle:
        case op_state::ended:
            return;
    }
}

void asio_backend::quiet(attachment& socket) noexcept {
    come_apart();
    auto& s = static_cast<asio_attachment&>(socket);
    while (operation* const op = s.hungry.pop()) end(*op, aborted_result());
    std::error_code ec;
    s.socket.cancel(ec);
    // The results of other sockets that come up meanwhile join the row, as ever.
    while (s.in_asio != 0) context_.run_one();
    for (operation* op = s.first; op != nullptr; op = op->next) {
        op->outcome = aborted_result();
        set_state(*op, op_state::ended);
    }
    ready_.append(later_);  // some may have been put off until the next turn, which may never come
    stop_starving(s);
    s.watched = watch::none;
    // The caller may close it now, and its number may name another socket before this attachment is destroyed.
    if (s.socket.is_open()) s.socket.release(ec);
    feed();
}

}  // namespace berth::detail
