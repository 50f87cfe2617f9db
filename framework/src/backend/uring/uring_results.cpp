// What a completion means: a result to be handed on, or a reason to submit the operation once more.
//
// Nothing that is the ring's own business ends an operation: a multishot that stopped (its queue overflowed, or its
// buffers ran out), a wait that the kernel handed back, a thread whose end took its submissions with it.
#include "backend/uring/uring_backend.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace berth::detail {

bool uring_backend::fetch(completion& out) noexcept {
    while (next_stashed_ < stashed_.size()) {
        const ring_result r = stashed_[next_stashed_++];
        if (next_stashed_ == stashed_.size()) {
            stashed_.clear();
            next_stashed_ = 0;
        }
        if (settle(r, out)) return true;
    }
    if (!ring_.is_open()) return false;
    while (const std::uint32_t left = ring_.results()) {
        const ring_result r = ring_.result(0);
        // Where many are under way, the kernel's own work has driven them out of the cache meanwhile.
        if (left > 1) __builtin_prefetch(reinterpret_cast<const void*>(ring_.result(1).user_data), 1);
        ring_.forget(1);
        if (settle(r, out)) return true;
    }
    return false;
}

bool uring_backend::settle(const ring_result& r, completion& out) noexcept {
    if (!tag::is_operation(r.user_data)) {
        if (r.user_data == tag::ear) heard(r);
        if (r.user_data > tag::last && r.result == -ENOENT) cancel_again(r.user_data);
        return false;
    }
    operation& op = tag::operation_of(r.user_data);
    if ((r.flags & IORING_CQE_F_MORE) == 0) {
        --in_kernel_;
        forget_cancellation(op);
        clear_mark(op, mark::last_seen);
    }
    if (is_marked(op, mark::quieted)) return settle_quieted(op, r, out);
    if (is_marked(op, mark::by_poll)) return settle_poll(op, r.result, out);
    if (is_ongoing(op)) return settle_many(op, r, out);
    return settle_one(op, r, out);
}

bool uring_backend::settle_one(operation& op, const ring_result& r, completion& out) noexcept {
    int result = r.result;
    if (result < 0) {
        if (goes_on(op, result)) return false;
    } else if (op.what == verb::receive) {
        message_operation& whole = with_message(op);
        uring_socket& socket = socket_of(op);
        if (!uses_message(whole)) {
            socket.receives.is_drained = ring_.is_single() && (r.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
        } else {
            const msghdr& message = message_of(whole).message;
            whole.address_size = message.msg_namelen;
            if (socket.kind.is_datagram) {
                whole.came_with = message.msg_flags;
                socket.receives.may_hold_more = true;
            }
        }
    } else if (op.what >= verb::readable) {
        result = 0;
    }
    return finish(op, result, out);
}

// True: it was submitted once more, or waits for that. False: it ends with this result.
bool uring_backend::goes_on(operation& op, int& result) noexcept {
    const bool is_starved = result == -ENOBUFS && is_ongoing(op) && op.what == verb::receive;
    const bool is_again = result == -EAGAIN || (result == -EINPROGRESS && op.what == verb::connect);
    if (!is_starved && !is_again && result != -EINTR && result != -ECANCELED) return false;
    if (is_marked(op, mark::cancelled)) {
        result = aborted_result();
        return false;
    }
    if (is_starved) {
        put_at(op, place::starved);
        starved_.push_back(op);
        has_buffers_back_ |= buffers_.has_free();  // given back since
        return true;
    }
    if (is_again && is_marked(op, mark::impatient)) {
        push_back(op);
        return true;
    }
    give_back_own(op);
    // A connect that was begun must not be begun again.
    if (is_again || op.what == verb::connect) set_mark(op, mark::by_poll);
    submit(op);
    return true;
}

bool uring_backend::settle_poll(operation& op, int result, completion& out) noexcept {
    if (is_marked(op, mark::cancelled)) return finish(op, aborted_result(), out);
    if (result < 0 && result != -ECANCELED) return finish(op, result, out);
    if (result >= 0) {
        clear_mark(op, mark::by_poll);
        if (op.what == verb::connect) {
            int error = 0;
            socklen_t size = sizeof error;
            if (::getsockopt(op.socket->number, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
            return finish(op, -error, out);
        }
    }
    submit(op);
    return false;
}

bool uring_backend::settle_many(operation& op, const ring_result& r, completion& out) noexcept {
    const bool is_receive = op.what == verb::receive;
    const bool brought_none = is_receive && buffers_.is_kernels_choice() && (r.flags & IORING_CQE_F_BUFFER) == 0;
    if (r.result < 0 || brought_none || (is_receive && r.result == 0 && !socket_of(op).kind.is_datagram)) {
        int result = r.result;
        drop(op, r);
        if (result < 0 && goes_on(op, result)) return false;
        return finish(op, result, out);
    }
    if (!is_receive) {
        if (op.has_message) name_accepted(with_message(op), r.result);
        out = {.op = &op, .result = r.result, .more = true};
    } else if (buffers_.is_kernels_choice()) {
        lend(op, r, out);
    } else {
        lend_own(op, r.result, out);
    }
    if ((r.flags & IORING_CQE_F_MORE) != 0) return true;
    if (is_marked(op, mark::cancelled)) {
        end(op, aborted_result());
        leave(op);
    } else {
        if (chooses_buffer(op)) set_mark(op, mark::by_poll);
        submit(op);
    }
    return true;
}

void uring_backend::name_accepted(message_operation& op, int client) noexcept {
    op.address_size = message_of(op).capacity;
    if (op.address != nullptr && ::getpeername(client, static_cast<sockaddr*>(op.address), &op.address_size) != 0)
        op.address_size = 0;  // it is gone already
}

void uring_backend::lend(operation& op, const ring_result& r, completion& out) noexcept {
    const std::uint32_t id = r.flags >> IORING_CQE_BUFFER_SHIFT;
    buffers_.taken(id);
    out = {.op = &op,
           .result = r.result,
           .more = true,
           .lent_id = id,
           .lent = {buffers_.at(id), static_cast<std::size_t>(r.result)}};
    if (socket_of(op).kind.is_datagram) lend_datagram(with_message(op), out);
}

// The kernel put in front of the bytes what else there is to say, and as much room for an address as we asked for.
void uring_backend::lend_datagram(message_operation& op, completion& out) noexcept {
    std::byte* const buffer = static_cast<std::byte*>(out.lent.data);
    ::io_uring_recvmsg_out head;
    std::memcpy(&head, buffer, sizeof head);
    const msghdr& pattern = message_of(op).message;
    const std::uint32_t room = pattern.msg_namelen;
    const auto control_room = static_cast<std::uint32_t>(pattern.msg_controllen);
    const std::size_t ahead = sizeof head + room + control_room;
    out.lent = {buffer + ahead, out.lent.size - std::min(ahead, out.lent.size)};
    op.came_with = static_cast<int>(head.flags);
    op.address_size = std::min(head.namelen, room);
    if (op.address != nullptr) {
        if (op.address_size == sizeof(sockaddr_in))
            std::memcpy(op.address, buffer + sizeof head, sizeof(sockaddr_in));  // no call
        else
            std::memcpy(op.address, buffer + sizeof head, op.address_size);
    }
    op.control = buffer + sizeof head + room;
    op.control_size = std::min(head.controllen, control_room);
    out.result = static_cast<int>((op.flags & MSG_TRUNC) != 0 ? head.payloadlen : out.lent.size);
}

bool uring_backend::settle_quieted(operation& op, const ring_result& r, completion& out) noexcept {
    drop(op, r);
    return (r.flags & IORING_CQE_F_MORE) == 0 && finish(op, aborted_result(), out);
}

// Nobody will hear of this result.
void uring_backend::drop(operation& op, const ring_result& r) noexcept {
    if (op.what == verb::accept && r.result >= 0 && !is_marked(op, mark::by_poll)) ::close(r.result);
    if ((r.flags & IORING_CQE_F_BUFFER) == 0) return;
    const std::uint32_t id = r.flags >> IORING_CQE_BUFFER_SHIFT;
    buffers_.taken(id);
    return_buffer(id);
}

bool uring_backend::finish(operation& op, int result, completion& out) noexcept {
    give_back_own(op);
    put_at(op, place::ended);
    leave(op);
    out = {.op = &op, .result = result};
    return true;
}

void uring_backend::begin_going_on(operation& op) noexcept {
    op.buffer = lent_buffers::none;
    if (chooses_buffer(op)) set_mark(op, mark::by_poll);
    if (!op.has_message) return;
    message_operation& whole = with_message(op);
    uring_message& part = message_of(whole);
    part.capacity = whole.address == nullptr ? 0 : whole.address_size;
    part.wants_control = whole.control_size != 0;
    part.message = {};
    part.message.msg_namelen = part.capacity;
    part.message.msg_controllen = whole.control_size;
}

void uring_backend::forget_cancellation(operation& op) noexcept {
    if (is_marked(op, mark::listed)) cancels_.remove(op);
    if (is_marked(op, mark::told)) told_.remove(op);
    clear_mark(op, mark::listed | mark::told);
}

void uring_backend::forget_cancellations() noexcept {
    while (operation* const op = cancels_.pop_front()) clear_mark(*op, mark::listed);
    while (operation* const op = told_.pop_front()) clear_mark(*op, mark::told);
}

// The kernel did not find it: it has ended, mostly, and its memory may be another's. But one that found room or bytes
// as the kernel began to wait for some is in none of its lists until it is tried again, and then may wait for ever.
void uring_backend::cancel_again(std::uint64_t cancellation) noexcept {
    operation* op = told_.first();
    if (op == nullptr) return;
    do {
        if (tag::of_cancellation(*op) == cancellation) {
            told_.remove(*op);
            clear_mark(*op, mark::told);
            set_mark(*op, mark::listed);
            return cancels_.push_back(*op);
        }
        op = told_.behind(*op);
    } while (op != told_.first());
}

void uring_backend::heard(const ring_result& r) noexcept {
    if (r.result >= 0) is_woken_ = true;
    if ((r.flags & IORING_CQE_F_MORE) == 0) is_deaf_ = true;
}

}  // namespace berth::detail
