// One submission entry for each operation.
#include "backend/uring/uring_backend.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace berth::detail {
namespace {

// The ring is not woken for urgent bytes alone; sockets say together with them that there might be some of this band.
constexpr unsigned exceptional = POLLPRI | POLLERR | POLLRDBAND;

int descriptor_of(const operation& op) noexcept { return op.socket->number; }

// An entry's count of bytes has 32 bits.
std::size_t size_of(const buffer_part& part) noexcept { return std::min<std::size_t>(part.size, 1U << 30); }

// Where the kernel does not choose buffers: the head of ours, in front of what a datagram brings.
struct datagram_head {
    msghdr message;
    iovec part;
    sockaddr_storage name;
};
static_assert(sizeof(datagram_head) % alignof(cmsghdr) == 0);  // ancillary data follows, if it is wanted

void write_message(const message_operation& op, msghdr& message) noexcept {
    message = {};
    message.msg_name = op.address;
    message.msg_namelen = op.address == nullptr ? 0 : op.address_size;
    message.msg_iov = const_cast<iovec*>(reinterpret_cast<const iovec*>(op.parts));
    message.msg_iovlen = op.part_count;
    if (op.what == verb::send) {
        message.msg_control = op.control;
        message.msg_controllen = op.control_size;
    }
}

}  // namespace

void uring_backend::prepare(operation& op, ::io_uring_sqe& entry) noexcept {
    uring_socket& socket = socket_of(op);
    const int fd = descriptor_of(op);
    if (is_marked(op, mark::by_poll)) {
        const bool is_out = op.what == verb::send || op.what == verb::connect;
        ::io_uring_prep_poll_add(&entry, fd, is_out ? POLLOUT : POLLIN);
    } else {
        switch (op.what) {
            case verb::receive:
                op.many ? prepare_receive_many(op, socket, entry) : prepare_receive(with_message(op), socket, entry);
                break;
            case verb::send:
                prepare_send(with_message(op), socket, entry);
                break;
            case verb::accept:
                prepare_accept(op, entry);
                break;
            case verb::connect:
                ::io_uring_prep_connect(&entry, fd, static_cast<const sockaddr*>(with_message(op).address),
                                        with_message(op).address_size);
                break;
            case verb::readable:
                ::io_uring_prep_poll_add(&entry, fd, POLLIN);
                break;
            case verb::writable:
                ::io_uring_prep_poll_add(&entry, fd, POLLOUT);
                break;
            case verb::error:
                ::io_uring_prep_poll_add(&entry, fd, exceptional);
                break;
        }
    }
    entry.user_data = tag::of(op);
    op.number = ring_.sequence();
    put_at(op, place::kernel);
    ++in_kernel_;
}

bool uring_backend::uses_message(const message_operation& op) noexcept {
    const bool says_more = op.what == verb::receive && static_cast<const uring_socket&>(*op.socket).kind.is_datagram;
    return says_more || op.address != nullptr || op.part_count != 1 || op.control_size != 0;
}

void uring_backend::prepare_receive(message_operation& op, uring_socket& socket, ::io_uring_sqe& entry) noexcept {
    if (uses_message(op)) {
        msghdr& message = message_of(op).message;
        write_message(op, message);
        ::io_uring_prep_recvmsg(&entry, descriptor_of(op), &message, static_cast<unsigned>(flags_of(op)));
        return;
    }
    ::io_uring_prep_recv(&entry, descriptor_of(op), op.parts->data, size_of(*op.parts), flags_of(op));
    if (socket.receives.is_drained) entry.ioprio = IORING_RECVSEND_POLL_FIRST;
}

void uring_backend::prepare_send(message_operation& op, uring_socket& socket, ::io_uring_sqe& entry) noexcept {
    const bool is_impatient = goes_together(op) && !socket.sends.is_full;
    is_impatient ? set_mark(op, mark::impatient) : clear_mark(op, mark::impatient);
    const int flags = flags_of(op) | MSG_NOSIGNAL | (is_impatient ? MSG_DONTWAIT : 0);
    // Linux 6.1, which has deferred work too, takes an address without a message around it.
    const bool is_plain = ring_.is_deferred() && op.part_count == 1 && op.control_size == 0;
    if (is_plain && op.address != nullptr) {
        ::io_uring_prep_send(&entry, descriptor_of(op), op.parts->data, size_of(*op.parts), flags);
        entry.addr2 = reinterpret_cast<std::uintptr_t>(op.address);
        entry.addr_len = static_cast<std::uint16_t>(op.address_size);
    } else if (uses_message(op)) {
        msghdr& message = message_of(op).message;
        write_message(op, message);
        ::io_uring_prep_sendmsg(&entry, descriptor_of(op), &message, static_cast<unsigned>(flags));
    } else {
        ::io_uring_prep_send(&entry, descriptor_of(op), op.parts->data, size_of(*op.parts), flags);
    }
}

int uring_backend::transfer_now(message_operation& op) noexcept {
    const int fd = descriptor_of(op), flags = op.flags | MSG_DONTWAIT;
    msghdr& message = message_of(op).message;
    write_message(op, message);
    if (op.what == verb::send) {
        const auto sent = ::sendmsg(fd, &message, flags | MSG_NOSIGNAL);
        return sent < 0 ? -errno : static_cast<int>(sent);
    }
    const auto received = ::recvmsg(fd, &message, flags);
    if (received < 0) return -errno;
    op.address_size = message.msg_namelen;
    op.came_with = message.msg_flags;
    return static_cast<int>(received);
}

void uring_backend::prepare_receive_many(operation& op, uring_socket& socket, ::io_uring_sqe& entry) noexcept {
    const int fd = descriptor_of(op), flags = flags_of(op) & ~MSG_WAITALL;
    if (buffers_.is_kernels_choice()) {
        if (socket.kind.is_datagram) {
            msghdr& pattern = message_of(with_message(op)).message;
            ::io_uring_prep_recvmsg(&entry, fd, &pattern, static_cast<unsigned>(flags));
        } else {
            ::io_uring_prep_recv(&entry, fd, nullptr, 0, flags);
        }
        entry.ioprio = IORING_RECV_MULTISHOT;
        entry.flags = IOSQE_BUFFER_SELECT;
        entry.buf_group = lent_buffers::group;
        return;
    }
    std::byte* const buffer = buffers_.at(op.buffer);
    if (!socket.kind.is_datagram) {
        ::io_uring_prep_recv(&entry, fd, buffer, buffers_.size(), flags | MSG_DONTWAIT);
        return;
    }
    auto& head = *::new (buffer) datagram_head();
    std::byte* const control = buffer + sizeof head;
    const std::size_t control_size = message_of(with_message(op)).wants_control ? room_for_control : 0;
    head.part = {control + control_size, buffers_.size() - sizeof head - control_size};
    head.message.msg_name = &head.name;
    head.message.msg_namelen = sizeof head.name;
    head.message.msg_iov = &head.part;
    head.message.msg_iovlen = 1;
    head.message.msg_control = control_size == 0 ? nullptr : control;
    head.message.msg_controllen = control_size;
    ::io_uring_prep_recvmsg(&entry, fd, &head.message, static_cast<unsigned>(flags | MSG_DONTWAIT));
}

// With many results there is one place for the remote's address, so it is asked for when each is fetched.
void uring_backend::prepare_accept(operation& op, ::io_uring_sqe& entry) noexcept {
    sockaddr* address = nullptr;
    socklen_t* size = nullptr;
    if (op.has_message && with_message(op).address != nullptr && !op.many) {
        address = static_cast<sockaddr*>(with_message(op).address);
        size = &with_message(op).address_size;
    }
    ::io_uring_prep_accept(&entry, descriptor_of(op), address, size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (op.many && facts_.accepts_many) entry.ioprio = IORING_ACCEPT_MULTISHOT;
}

void uring_backend::prepare_cancel(const operation& op, ::io_uring_sqe& entry) noexcept {
    ::io_uring_prep_cancel64(&entry, tag::of(op), 0);
    entry.user_data = tag::of_cancellation(op);
    if (ring_.can_skip_results()) entry.flags = IOSQE_CQE_SKIP_SUCCESS;
}

void uring_backend::make_void(::io_uring_sqe& entry) noexcept {
    ::io_uring_prep_nop(&entry);
    entry.user_data = tag::ignored;
    if (ring_.can_skip_results()) entry.flags = IOSQE_CQE_SKIP_SUCCESS;
}

// A wake() that comes between emptying and listening writes again or is seen by its flag.
void uring_backend::prepare_ear(::io_uring_sqe& entry) noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto emptied = ::read(ear_, &count, sizeof count);
    if (is_wake_pending_.load()) is_woken_ = true;
    ::io_uring_prep_poll_multishot(&entry, ear_, POLLIN);
    entry.user_data = tag::ear;
    is_deaf_ = false;
}

// --- where it is not the kernel that chooses buffers: one is chosen once there is something to fill it with ---

bool uring_backend::chooses_buffer(const operation& op) const noexcept {
    return op.many && op.what == verb::receive && !buffers_.is_kernels_choice();
}

bool uring_backend::lacks_buffer(operation& op) noexcept {
    if (!chooses_buffer(op) || is_marked(op, mark::by_poll)) return false;
    if (op.buffer == lent_buffers::none) op.buffer = buffers_.take();
    return op.buffer == lent_buffers::none;
}

void uring_backend::give_back_own(operation& op) noexcept {
    if (!chooses_buffer(op)) return;
    if (op.buffer != lent_buffers::none) return_buffer(std::exchange(op.buffer, lent_buffers::none));
}

void uring_backend::lend_own(operation& op, int received, completion& out) noexcept {
    const std::uint32_t id = std::exchange(op.buffer, lent_buffers::none);
    out = {.op = &op,
           .result = received,
           .more = true,
           .lent_id = id,
           .lent = {buffers_.at(id), static_cast<std::size_t>(received)}};
    if (socket_of(op).kind.is_datagram) lend_own_datagram(with_message(op), out);
}

void uring_backend::lend_own_datagram(message_operation& op, completion& out) noexcept {
    const auto& head = *std::launder(static_cast<const datagram_head*>(out.lent.data));
    op.came_with = head.message.msg_flags;
    op.control = head.message.msg_control;
    op.control_size = static_cast<std::uint32_t>(head.message.msg_controllen);
    op.address_size = std::min<std::uint32_t>(head.message.msg_namelen, message_of(op).capacity);
    if (op.address != nullptr) std::memcpy(op.address, &head.name, op.address_size);
    out.lent = {head.part.iov_base, std::min(out.lent.size, head.part.iov_len)};
}

}  // namespace berth::detail
