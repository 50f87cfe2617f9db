// What an entry does on the model network once its time has come.
#include "simulation/model_ring.hpp"

#include "backend/uring/uring_backend.hpp"

#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace berth::simulation {
namespace {

std::uint32_t scatter(const ::msghdr& m, std::uint32_t size, unsigned char fill) {
    std::uint32_t written = 0;
    for (std::size_t i = 0; i < m.msg_iovlen && written < size; ++i) {
        const auto n = std::min<std::size_t>(m.msg_iov[i].iov_len, size - written);
        std::memset(m.msg_iov[i].iov_base, fill, n);
        written += static_cast<std::uint32_t>(n);
    }
    return written;
}

void write_name(::msghdr& m, std::uint16_t port) {
    const sockaddr_in6 name = name_of(port);
    if (m.msg_name != nullptr) std::memcpy(m.msg_name, &name, std::min<std::size_t>(m.msg_namelen, sizeof name));
    m.msg_namelen = m.msg_name != nullptr ? sizeof name : 0;
}

}  // namespace

std::size_t size_of(const ::msghdr& m) noexcept {
    std::size_t size = 0;
    for (std::size_t i = 0; i < m.msg_iovlen; ++i) size += m.msg_iov[i].iov_len;
    return size;
}

int receive_datagram(model_socket& s, ::msghdr& m) noexcept {
    if (s.datagrams.empty()) return -EAGAIN;
    auto& chance = model_ring::chances();
    if (chance.strikes(chance.fault_rate, model_chances::fault)) return -ECONNREFUSED;
    const model_datagram d = s.datagrams.front();
    s.datagrams.pop_front();
    m.msg_flags = d.size > size_of(m) ? MSG_TRUNC : 0;
    write_name(m, d.from);
    return static_cast<int>(scatter(m, d.size, fill_of(d.mark)));
}

int send_datagram(const ::msghdr& m) noexcept {
    auto& chance = model_ring::chances();
    if (chance.strikes(chance.fault_rate, model_chances::fault)) return -ENOBUFS;
    return static_cast<int>(size_of(m));
}

model_ring::verdict model_ring::end(request& r, int outcome, unsigned flags) noexcept {
    post(r.e.user_data, outcome, flags);
    return verdict::ended;
}

// One of many results; where there is no room for it, or chance will have it so, it is the last of this entry.
model_ring::verdict model_ring::bring(request& r, int outcome, unsigned flags) noexcept {
    if (ready() == cq_count_ || !overflow_.empty() || chances().random.chance(50)) {
        count_of_ring(ring_mark::no_more);
        return end(r, outcome, flags);
    }
    post(r.e.user_data, outcome, flags | IORING_CQE_F_MORE);
    return verdict::goes_on;
}

model_ring::verdict model_ring::carry_out(request& r) noexcept {
    if (r.e.opcode == IORING_OP_POLL_ADD) return poll(r);
    auto& network = model_network::installed();
    auto* const s = network.find(r.e.fd);
    if (s == nullptr || network.kernel().inode_of(r.e.fd) != r.inode) {
        complain("ring: an operation's socket is gone, and the operation is not");
        return end(r, -EBADF);
    }
    switch (r.e.opcode) {
        case IORING_OP_RECV:
        case IORING_OP_RECVMSG:
            return (r.e.ioprio & IORING_RECV_MULTISHOT) != 0 ? receive_many(r, *s) : receive(r, *s);
        case IORING_OP_SEND:
        case IORING_OP_SENDMSG:
            return send(r, *s);
        case IORING_OP_ACCEPT:
            return accept(r, *s);
        case IORING_OP_CONNECT:
            return connect(r, *s);
        default:
            complain("ring: an entry that the model does not know");
            return end(r, -EINVAL);
    }
}

model_ring::verdict model_ring::poll(request& r) noexcept {
    if (auto* const e = event_at(r.e.fd)) {
        if (e->count == 0 || e->writes == r.seen) return verdict::not_yet;
        r.seen = e->writes;
        return bring(r, POLLIN);
    }
    auto& network = model_network::installed();
    auto* const s = network.find(r.e.fd);
    if (s == nullptr || network.kernel().inode_of(r.e.fd) != r.inode) {
        complain("ring: a wait's socket is gone, and the wait is not");
        return end(r, -EBADF);
    }
    const bool is_over = s->stream && (s->stream->has_ended || s->stream->was_reset || s->stream->waiting != 0);
    const bool is_readable = is_over || !s->datagrams.empty() || (!s->stream && !s->clients.empty());
    const bool is_writable =
        !s->is_tcp || (s->stream && s->stream->is_up && (s->stream->room != 0 || s->stream->was_reset));
    unsigned now = 0;
    if ((r.e.poll32_events & POLLIN) != 0 && is_readable) now |= POLLIN;
    if ((r.e.poll32_events & POLLOUT) != 0 && is_writable) now |= POLLOUT;
    if (now == 0) return verdict::not_yet;
    count_of_ring(ring_mark::by_poll);
    return end(r, static_cast<int>(now));
}

model_ring::verdict model_ring::receive(request& r, model_socket& s) noexcept {
    ::iovec one{reinterpret_cast<void*>(static_cast<std::uintptr_t>(r.e.addr)), r.e.len};
    ::msghdr plain{};
    plain.msg_iov = &one, plain.msg_iovlen = 1;
    ::msghdr& m =
        r.e.opcode == IORING_OP_RECV ? plain : *reinterpret_cast<::msghdr*>(static_cast<std::uintptr_t>(r.e.addr));
    const bool is_impatient = (r.e.msg_flags & MSG_DONTWAIT) != 0;
    int outcome = -EAGAIN;
    unsigned flags = 0;
    if (!s.is_tcp) {
        outcome = receive_datagram(s, m);
        if (!s.datagrams.empty()) flags = IORING_CQE_F_SOCK_NONEMPTY;
    } else if (!s.stream) {
        outcome = -ENOTCONN;
    } else if (s.stream->was_reset) {
        outcome = -ECONNRESET;
    } else if (s.stream->waiting != 0) {
        std::uint32_t most = s.stream->waiting;
        if (chances().strikes(200, model_chances::short_transfer)) most = 1 + chances().random.below(most);
        const auto n = scatter(m, most, fill_of(s.stream->mark));
        s.stream->waiting -= n;
        if (s.stream->waiting != 0) flags = IORING_CQE_F_SOCK_NONEMPTY;
        outcome = static_cast<int>(n);
    } else if (s.stream->has_ended) {
        outcome = 0;
    }
    if (outcome == -EAGAIN && !is_impatient) return verdict::not_yet;
    return end(r, outcome, flags);
}

bool model_ring::choose_buffer(std::uint16_t& id, std::byte*& memory, std::uint32_t& size) noexcept {
    if (buffers_ == nullptr || buffer_head_ == buffers_->tail) {
        ++chances().counts[model_chances::no_buffers];
        return false;
    }
    const auto& entry = reinterpret_cast<::io_uring_buf*>(buffers_)[buffer_head_ & (is_lent_.size() - 1)];
    ++buffer_head_;
    id = entry.bid, size = entry.len;
    memory = reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(entry.addr));
    is_lent_[id] = true;
    return true;
}

model_ring::verdict model_ring::receive_many(request& r, model_socket& s) noexcept {
    if (s.is_tcp) {
        if (!s.stream) return end(r, -ENOTCONN);
        if (s.stream->was_reset) return end(r, -ECONNRESET);
        if (s.stream->waiting == 0) return s.stream->has_ended ? end(r, 0) : verdict::not_yet;
    } else if (s.datagrams.empty()) {
        return verdict::not_yet;
    } else if (chances().strikes(chances().fault_rate, model_chances::fault)) {
        return end(r, -ECONNREFUSED);
    }
    std::uint16_t id = 0;
    std::byte* memory = nullptr;
    std::uint32_t size = 0;
    if (!choose_buffer(id, memory, size)) return end(r, -ENOBUFS);
    const unsigned flags = IORING_CQE_F_BUFFER | static_cast<unsigned>(id) << IORING_CQE_BUFFER_SHIFT;
    if (s.is_tcp) {
        std::uint32_t n = std::min(size, s.stream->waiting);
        if (chances().strikes(200, model_chances::short_transfer)) n = 1 + chances().random.below(n);
        std::memset(memory, fill_of(s.stream->mark), n);
        s.stream->waiting -= n;
        return bring(r, static_cast<int>(n), flags);
    }
    const model_datagram d = s.datagrams.front();
    s.datagrams.pop_front();
    const auto& pattern = *reinterpret_cast<const ::msghdr*>(static_cast<std::uintptr_t>(r.e.addr));
    const std::size_t ahead = sizeof(::io_uring_recvmsg_out) + pattern.msg_namelen + pattern.msg_controllen;
    const auto n = static_cast<std::uint32_t>(std::min<std::size_t>(d.size, size - ahead));
    const sockaddr_in6 name = name_of(d.from);
    const ::io_uring_recvmsg_out head{sizeof name, 0, d.size, n < d.size ? static_cast<unsigned>(MSG_TRUNC) : 0U};
    std::memcpy(memory, &head, sizeof head);
    std::memcpy(memory + sizeof head, &name, std::min<std::size_t>(pattern.msg_namelen, sizeof name));
    std::memset(memory + ahead, fill_of(d.mark), n);
    return bring(r, static_cast<int>(ahead + n), flags);
}

model_ring::verdict model_ring::send(request& r, model_socket& s) noexcept {
    ::iovec one{reinterpret_cast<void*>(static_cast<std::uintptr_t>(r.e.addr)), r.e.len};
    ::msghdr plain{};
    plain.msg_iov = &one, plain.msg_iovlen = 1;
    const ::msghdr& m = r.e.opcode == IORING_OP_SEND
                            ? plain
                            : *reinterpret_cast<const ::msghdr*>(static_cast<std::uintptr_t>(r.e.addr));
    if (!s.is_tcp) {
        const bool is_impatient = (r.e.msg_flags & MSG_DONTWAIT) != 0;
        if (is_impatient && chances().random.chance(100)) return end(r, -EAGAIN);
        return end(r, send_datagram(m));
    }
    if (!s.stream || !s.stream->is_up) return end(r, -ENOTCONN);
    auto& stream = *s.stream;
    const auto size = static_cast<std::uint32_t>(size_of(m));
    const auto told = [&](int error) { return end(r, r.done != 0 ? static_cast<int>(r.done) : error); };
    if (stream.was_reset || stream.is_shut) return told(-EPIPE);
    if (stream.room == 0) return verdict::not_yet;
    std::uint32_t n = std::min(size - r.done, stream.room);
    if (n > 1 && chances().strikes(200, model_chances::short_transfer)) n = 1 + chances().random.below(n);
    stream.room -= n;
    r.done += n;
    const bool wants_all = (r.e.msg_flags & MSG_WAITALL) != 0;
    return wants_all && r.done < size ? verdict::goes_on : told(0);
}

model_ring::verdict model_ring::accept(request& r, model_socket& s) noexcept {
    if (s.clients.empty()) return verdict::not_yet;
    if (chances().strikes(chances().fault_rate, model_chances::fault)) {
        s.clients.front()->was_reset = true;
        s.clients.pop_front();
        return end(r, -ECONNABORTED);
    }
    const auto client = s.clients.front();
    int error = 0;
    const native_socket made = model_network::installed().accept(r.e.fd, error);
    if (made < 0) {
        ++chances().counts[model_chances::no_descriptors];
        return end(r, -error);
    }
    if (r.e.addr != 0) {
        ::msghdr m{};
        auto& room = *reinterpret_cast<socklen_t*>(static_cast<std::uintptr_t>(r.e.addr2));
        m.msg_name = reinterpret_cast<void*>(static_cast<std::uintptr_t>(r.e.addr)), m.msg_namelen = room;
        write_name(m, client->remote);
        room = m.msg_namelen;
    }
    return (r.e.ioprio & IORING_ACCEPT_MULTISHOT) != 0 ? bring(r, static_cast<int>(made))
                                                       : end(r, static_cast<int>(made));
}

// Destinations as in model_operations.cpp: 1 refuses, 2 answers late, the others at once; any tuple may be taken.
model_ring::verdict model_ring::connect(request& r, model_socket& s) noexcept {
    if (s.stream) return end(r, -EISCONN);
    auto& chance = chances();
    if (chance.strikes(chance.fault_rate, model_chances::taken_tuple)) return end(r, -EADDRNOTAVAIL);
    sockaddr_in6 to{};
    std::memcpy(&to, reinterpret_cast<const void*>(static_cast<std::uintptr_t>(r.e.addr)),
                std::min<std::size_t>(r.e.off, sizeof to));
    const std::uint16_t port = ntohs(to.sin6_port);
    if (port == 1) {
        ++chance.counts[model_chances::refused_connect];
        return end(r, -ECONNREFUSED);
    }
    if (port == 2 && chance.random.chance(700)) return verdict::not_yet;
    s.stream = std::make_shared<model_stream>();
    s.stream->is_up = true;
    s.stream->remote = port;
    s.stream->local = model_network::installed().kernel().bound_port_of(r.e.fd);
    return end(r, 0);
}

int model_ring::restrict_to(std::span<const io_uring_restriction> allowed) {
    if (is_enabled_) return -EBADFD;
    operations_.emplace();
    flags_ = 0;
    for (const auto& one : allowed) {
        if (one.opcode == IORING_RESTRICTION_SQE_OP) operations_->insert(one.sqe_op);
        if (one.opcode == IORING_RESTRICTION_SQE_FLAGS_ALLOWED) flags_ = one.sqe_flags;
    }
    return 0;
}

}  // namespace berth::simulation
