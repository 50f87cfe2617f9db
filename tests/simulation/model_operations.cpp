// What an operation does on the model network once its time has come.
#include "simulation/model_backend.hpp"
#include "simulation/virtual_clock.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace berth::simulation {

using detail::message_operation;
using detail::operation;
using detail::verb;

namespace {

/// Bytes written into the operation's parts.
std::uint32_t scatter(const message_operation& op, std::uint32_t size, unsigned char fill) {
    std::uint32_t written = 0;
    for (std::uint32_t i = 0; i < op.part_count && written < size; ++i) {
        const auto n = std::min<std::size_t>(op.parts[i].size, size - written);
        std::memset(op.parts[i].data, fill, n);
        written += static_cast<std::uint32_t>(n);
    }
    return written;
}

std::uint32_t size_of(const message_operation& op) {
    std::size_t size = 0;
    for (std::uint32_t i = 0; i < op.part_count; ++i) size += op.parts[i].size;
    return static_cast<std::uint32_t>(size);
}

void note_sent(const message_operation& op, model_stream& stream, std::uint32_t n) {
    std::uint32_t seen = 0;
    for (std::uint32_t i = 0; i < op.part_count && stream.expected != nullptr; ++i) {
        const auto* const bytes = static_cast<const unsigned char*>(op.parts[i].data);
        for (std::size_t j = 0; j < op.parts[i].size && seen < n; ++j, ++seen) {
            if (bytes[j] != stream.expected(stream.mark, stream.taken + seen)) stream.is_garbled = true;
        }
    }
    stream.taken += n;
    stream.taken_at = virtual_clock::now();
}

}  // namespace

model_backend::verdict model_backend::carry_out(model_attachment& socket, operation& op) noexcept {
    auto* const s = model_network::installed().find(socket.native());
    if (s == nullptr) return end(op, -EBADF);
    switch (op.what) {
        case verb::receive:
            return socket.kind.is_datagram ? receive_datagram(op, *s) : receive(op, *s);
        case verb::send:
            return send(static_cast<message_operation&>(op), *s);
        case verb::accept:
            return accept(op, *s);
        case verb::connect:
            return connect(static_cast<message_operation&>(op), *s);
        case verb::readable: {
            const bool is_over =
                s->stream && (s->stream->has_ended || s->stream->was_reset || s->stream->waiting != 0);
            return is_over || !s->datagrams.empty() || !s->clients.empty() ? end(op, 0) : verdict::not_yet;
        }
        case verb::writable:
            return s->is_tcp && !(s->stream && s->stream->is_up) ? verdict::not_yet : end(op, 0);
        case verb::error:
            return verdict::not_yet;
    }
    return verdict::not_yet;
}

model_backend::verdict model_backend::lend(operation& op, std::uint32_t size, unsigned char fill,
                                           result& r) noexcept {
    const auto at = std::find(is_lent_.begin(), is_lent_.end(), false);
    if (at == is_lent_.end()) {
        ++chances_.counts[model_chances::no_buffers];
        return verdict::not_yet;
    }
    *at = true;
    const auto id = static_cast<std::uint32_t>(at - is_lent_.begin());
    std::byte* const bytes = buffers_.data() + std::size_t{id} * buffer_size;
    r.is_truncated = size > buffer_size;
    const std::uint32_t fits = std::min(size, buffer_size);
    std::memset(bytes, fill, fits);
    r.what = {.op = &op, .result = static_cast<int>(fits), .more = true, .lent_id = id, .lent = {bytes, fits}};
    results_.push_back(r);
    return verdict::goes_on;
}

model_backend::verdict model_backend::receive_datagram(operation& op, model_socket& s) noexcept {
    if (s.datagrams.empty()) return verdict::not_yet;
    if (chances_.strikes(chances_.fault_rate, model_chances::fault)) return end(op, -ECONNREFUSED);
    const model_datagram d = s.datagrams.front();
    result r;
    r.from = d.from;
    if (op.many) {
        const verdict v = lend(op, d.size, fill_of(d.mark), r);
        if (v == verdict::goes_on) s.datagrams.pop_front();
        return v;
    }
    s.datagrams.pop_front();
    auto& message = static_cast<message_operation&>(op);
    r.is_truncated = d.size > size_of(message);
    r.what = {.op = &op, .result = static_cast<int>(scatter(message, d.size, fill_of(d.mark)))};
    results_.push_back(r);
    op.state = has_result;
    return verdict::ended;
}

model_backend::verdict model_backend::receive(operation& op, model_socket& s) noexcept {
    if (!s.stream) return end(op, -ENOTCONN);
    auto& stream = *s.stream;
    if (stream.was_reset) return end(op, -ECONNRESET);
    if (stream.waiting == 0) return stream.has_ended ? end(op, 0) : verdict::not_yet;
    std::uint32_t most = stream.waiting;
    if (chances_.strikes(200, model_chances::short_transfer)) most = 1 + chances_.random.below(most);
    if (op.many) {
        result r;
        most = std::min(most, buffer_size);
        const verdict v = lend(op, most, fill_of(stream.mark), r);
        if (v == verdict::goes_on) stream.waiting -= most;
        return v;
    }
    const std::uint32_t n = scatter(static_cast<message_operation&>(op), most, fill_of(stream.mark));
    stream.waiting -= n;
    return end(op, static_cast<int>(n));
}

model_backend::verdict model_backend::send(message_operation& op, model_socket& s) noexcept {
    const std::uint32_t size = size_of(op);
    if (!s.is_tcp) {
        if (chances_.strikes(chances_.fault_rate, model_chances::fault)) return end(op, -ENOBUFS);
        return end(op, static_cast<int>(size));
    }
    if (!s.stream || !s.stream->is_up) return end(op, -ENOTCONN);
    auto& stream = *s.stream;
    if (stream.was_reset || stream.is_shut) return end(op, -EPIPE);
    if (stream.room == 0) return verdict::not_yet;
    std::uint32_t n = std::min(size, stream.room);
    if (n > 1 && chances_.strikes(200, model_chances::short_transfer)) n = 1 + chances_.random.below(n);
    stream.room -= n;
    note_sent(op, stream, n);
    return end(op, static_cast<int>(n));
}

model_backend::verdict model_backend::accept(operation& op, model_socket& s) noexcept {
    if (s.clients.empty()) return verdict::not_yet;
    if (chances_.strikes(chances_.fault_rate, model_chances::fault)) {
        s.clients.front()->was_reset = true;
        s.clients.pop_front();
        return end(op, -ECONNABORTED);
    }
    const auto client = s.clients.front();
    const native_socket made = model_network::installed().accepted(client);
    if (made < 0) {
        ++chances_.counts[model_chances::no_descriptors];
        return end(op, -EMFILE);
    }
    s.clients.pop_front();
    results_.push_back(
        {.what = {.op = &op, .result = static_cast<int>(made), .more = op.many}, .from = client->remote});
    if (!op.many) op.state = has_result;
    return op.many ? verdict::goes_on : verdict::ended;
}

// Destinations are the ports 1 to 4 of loopback: 1 refuses, 2 answers late, the others at once; and any tuple may be
// taken.
model_backend::verdict model_backend::connect(message_operation& op, model_socket& s) noexcept {
    if (s.stream) return end(op, -EISCONN);
    if (chances_.strikes(chances_.fault_rate, model_chances::taken_tuple)) return end(op, -EADDRNOTAVAIL);
    sockaddr_in6 to{};
    std::memcpy(&to, op.address, std::min<std::size_t>(op.address_size, sizeof to));
    const std::uint16_t port = ntohs(to.sin6_port);
    if (port == 1) {
        ++chances_.counts[model_chances::refused_connect];
        return end(op, -ECONNREFUSED);
    }
    if (port == 2 && chances_.random.chance(700)) return verdict::not_yet;
    s.stream = std::make_shared<model_stream>();
    s.stream->is_up = true;
    s.stream->remote = port;
    s.stream->local = model_network::installed().kernel().bound_port_of(of(op).native());
    return end(op, 0);
}

}  // namespace berth::simulation
