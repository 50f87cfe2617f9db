// See engine_socket.hpp.
#include "backend/asio/windows/engine_socket.hpp"

#include "backend/asio/operation_queue.hpp"
#include "backend/asio/windows/readiness.hpp"
#include "platform/windows/wsa_parts.hpp"

#include <asio/error.hpp>

namespace berth::detail {
namespace {

using platform::wsa_parts;

constexpr std::size_t in = 0, out = 1, urgent = 2;
constexpr unsigned long events_of[] = {
    afd::readable | afd::remote_ended | afd::reset | afd::closed_here | afd::acceptable | afd::connect_failed,
    afd::writable | afd::reset | afd::closed_here | afd::connect_failed,
    afd::urgent | afd::reset | afd::closed_here | afd::connect_failed,
};

std::error_code last_error(int result) noexcept {
    return result == 0 ? std::error_code() : std::error_code(::WSAGetLastError(), asio::error::get_system_category());
}

/// Bytes; one more than there is room for if a datagram was cut short; or the negative error.
int receive_now(SOCKET socket, wsa_parts& parts, void* from, std::size_t& from_size, int flags) noexcept {
    DWORD bytes = 0, in_and_out = static_cast<DWORD>(flags);
    int size = static_cast<int>(from_size);
    const int r = ::WSARecvFrom(socket, parts.data(), parts.count(), &bytes, &in_and_out, static_cast<sockaddr*>(from),
                                from == nullptr ? nullptr : &size, nullptr, nullptr);
    const int error = r == 0 ? 0 : ::WSAGetLastError();
    from_size = static_cast<std::size_t>(size);
    if (error == WSAEMSGSIZE) return static_cast<int>(parts.room()) + 1;
    return error == 0 ? static_cast<int>(bytes) : -error;
}

int send_now(SOCKET socket, wsa_parts& parts, const void* to, std::size_t to_size, int flags) noexcept {
    DWORD bytes = 0;
    const int r = ::WSASendTo(socket, parts.data(), parts.count(), &bytes, static_cast<DWORD>(flags),
                              static_cast<const sockaddr*>(to), static_cast<int>(to_size), nullptr, nullptr);
    return r == 0 ? static_cast<int>(bytes) : -::WSAGetLastError();
}

int connect_result(SOCKET socket) noexcept {
    int error = 0, size = sizeof error;
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, reinterpret_cast<char*>(&error), &size) != 0) {
        error = ::WSAGetLastError();
    }
    return -error;
}

}  // namespace

engine_socket::~engine_socket() {
    for (auto& row : rows_) {
        if (row) row->orphan();
    }
}

void engine_socket::assign(const any_transport& transport, native_handle_type socket, std::error_code& ec) noexcept {
    ec.clear();
    socket_ = socket;
    is_stream_ = transport.type() == SOCK_STREAM;
    has_a_use_ = was_reset_ = false;
}

/// The driver has nothing to say of a stream that is neither connected nor listens: it would be waited for in vain.
bool engine_socket::has_a_use() noexcept {
    if (has_a_use_ || !is_stream_) return true;
    BOOL listens = FALSE;
    int size = sizeof listens;
    sockaddr_storage peer;
    int peer_size = sizeof peer;
    has_a_use_ = ::getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 ||
                 (::getsockopt(socket_, SOL_SOCKET, SO_ACCEPTCONN, reinterpret_cast<char*>(&listens), &size) == 0 &&
                  listens);
    return has_a_use_;
}

/// Where the driver has said that a stream was reset, it has no end that a receive could tell.
int engine_socket::after_reset(int received, std::size_t room) const noexcept {
    return received == 0 && was_reset_ && is_stream_ && room != 0 ? -WSAECONNRESET : received;
}

void engine_socket::cancel(std::error_code& ec) noexcept {
    ec.clear();
    for (auto& row : rows_) {
        if (row) row->stop_all();
    }
}

void engine_socket::get_option(asio::socket_base::receive_buffer_size& size, std::error_code& ec) noexcept {
    const any_transport any;
    int length = static_cast<int>(size.size(any));
    ec = last_error(::getsockopt(socket_, size.level(any), size.name(any), reinterpret_cast<char*>(size.data(any)),
                                 &length));
}

void engine_socket::non_blocking(bool on, std::error_code& ec) noexcept {
    u_long mode = on ? 1 : 0;
    ec = last_error(::ioctlsocket(socket_, static_cast<long>(FIONBIO), &mode));
}

readiness& engine_socket::direction(std::size_t which) {
    if (!rows_[which]) rows_[which] = std::make_shared<readiness>(*context_, *this, events_of[which]);
    return *rows_[which];
}

/// Does it now if nobody is before it; else it waits.
void engine_socket::begin(std::size_t which, running& record, bool only_waits) {
    readiness& row = direction(which);
    record.only_waits = only_waits;
    int result = 0;
    if (only_waits || !row.is_empty() || !perform(record, result)) return row.wait(record);
    if (result < 0) return landing{&record}({-result, asio::error::get_system_category()});
    landing{&record}({}, static_cast<std::size_t>(result));
}

/// False: it would have to wait.
bool engine_socket::perform(running& record, int& result) noexcept {
    result = 0;
    if (record.op == nullptr || record.only_waits) return true;
    message_operation& op = with_message(*record.op);
    if (op.what == verb::connect) {
        result = connect_result(socket_);
        return true;
    }
    wsa_parts parts(op.parts, op.part_count);
    address_in_place& address = record.address;
    if (op.what == verb::send) {
        result = send_now(socket_, parts, address.data(), address.size(), op.flags);
    } else {
        std::size_t size = address.capacity();
        result = after_reset(receive_now(socket_, parts, address.data(), size, op.flags), parts.room());
        if (result >= 0) address.resize(size);
    }
    return result != -WSAEWOULDBLOCK;
}

void engine_socket::async_wait(asio::socket_base::wait_type what, const landing& handler) {
    if (what == asio::socket_base::wait_read && !has_a_use()) return handler({});  // what follows says what is wrong
    begin(what == asio::socket_base::wait_read ? in : what == asio::socket_base::wait_write ? out : urgent,
          *handler.record, true);
}

void engine_socket::async_connect(const address_in_place& to, const landing& handler) {
    running& record = *handler.record;
    const auto ec = last_error(::connect(socket_, to.data(), static_cast<int>(to.size())));
    if (ec != asio::error::would_block) return handler(ec);
    record.only_waits = false;
    direction(out).wait(record);
}

void engine_socket::async_send_to(const parts_to_send&, const address_in_place&, int, const landing& handler) {
    begin(out, *handler.record, false);
}

void engine_socket::async_receive_from(const parts_to_fill&, const address_in_place&, int, const landing& handler) {
    begin((handler.record->op->flags & MSG_OOB) != 0 ? urgent : in, *handler.record, false);
}

std::size_t engine_socket::receive(asio::mutable_buffer room, int flags, std::error_code& ec) noexcept {
    address_in_place nobody;
    return receive_from(room, nobody, flags, ec);
}

std::size_t engine_socket::receive_from(asio::mutable_buffer room, address_in_place& from, int flags,
                                        std::error_code& ec) noexcept {
    const buffer_part part{room.data(), room.size()};
    wsa_parts parts(&part, 1);
    std::size_t size = from.capacity();
    const int result = after_reset(receive_now(socket_, parts, from.data(), size, flags), room.size());
    ec = result < 0 ? std::error_code(-result, asio::error::get_system_category()) : std::error_code();
    if (result >= 0 && from.data() != nullptr) from.resize(size);
    return result < 0 ? 0 : static_cast<std::size_t>(result);
}

}  // namespace berth::detail
