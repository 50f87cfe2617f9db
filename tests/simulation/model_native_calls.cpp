// The synchronous socket calls over the model network, in the place of platform/linux/native_calls.cpp; and a
// server's few words (server_calls.cpp). What would block says so: nobody else would ever end the wait.
#include <berth/detail/native_calls.hpp>

#include "platform/message_flags.hpp"
#include "platform/server_calls.hpp"
#include "platform/way_there.hpp"
#include "simulation/model_network.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace berth::detail {

const int send_all_of_it = MSG_WAITALL;

namespace {

simulation::model_network& network() { return simulation::model_network::installed(); }

simulation::model_socket* known(native_value socket, int& error) {
    auto* const s = network().find(socket);
    error = s != nullptr ? 0 : EBADF;
    return s;
}

void write_address(std::uint16_t port, void* address, std::size_t* size) {
    const sockaddr_in6 name = simulation::name_of(port);
    std::memcpy(address, &name, std::min(*size, sizeof name));
    *size = sizeof name;
}

}  // namespace

native_value open_native(int, int type, int, int& error) noexcept {
    const auto socket = network().open(type == SOCK_STREAM);
    error = socket < 0 ? EMFILE : 0;
    return socket;
}
void close_native(native_value socket, int& error) noexcept { error = network().close(socket) ? EBADF : 0; }
void bind_native(native_value, const void*, std::size_t, int& error) noexcept { error = EINVAL; }
void listen_native(native_value socket, int, int& error) noexcept {
    if (known(socket, error) != nullptr) network().listens(socket);
}
void connect_native(native_value, const void*, std::size_t, bool, int& error) noexcept { error = EINPROGRESS; }
bool is_taken_tuple(int error) noexcept { return error == EADDRNOTAVAIL || error == EADDRINUSE; }
native_value accept_native(native_value listener, void* address, std::size_t* size, bool, int& error) noexcept {
    const auto made = network().accept(listener, error);
    if (made >= 0 && address != nullptr) write_address(network().find(made)->stream->remote, address, size);
    return made;
}
void shutdown_native(native_value socket, int how, int& error) noexcept {
    auto* const s = known(socket, error);
    if (s == nullptr) return;
    if (!s->stream) {
        error = ENOTCONN;
    } else if (how != SHUT_RD) {
        s->stream->is_shut = true;
    }
}
void name_native(native_value socket, bool remote, void* address, std::size_t* size, int& error) noexcept {
    auto* const s = known(socket, error);
    if (s == nullptr) return;
    if (remote && !s->stream) {
        error = ENOTCONN;
        return;
    }
    write_address(remote ? s->stream->remote : network().local_port(socket), address, size);
}
void set_option_native(native_value, int, int, const void*, std::size_t, int& error) noexcept { error = 0; }
void get_option_native(native_value, int, int, void* value, std::size_t* size, int& error) noexcept {
    std::memset(value, 0, *size);
    error = 0;
}
void control_native(native_value, int, void*, int& error) noexcept { error = 0; }
void set_nonblocking_native(native_value, bool, int& error) noexcept { error = 0; }
std::uint32_t overflowed_native(native_value, int& error) noexcept {
    error = 0;
    return 0;
}

std::size_t available_native(native_value socket, int& error) noexcept {
    auto* const s = known(socket, error);
    if (s == nullptr) return 0;
    return s->stream ? s->stream->waiting : s->datagrams.empty() ? 0 : s->datagrams.front().size;
}
void wait_native(native_value, verb, int& error) noexcept { error = EAGAIN; }
std::size_t receive_native(native_value socket, const buffer_part* parts, std::size_t count, int, void*, std::size_t*,
                           bool, int& error) noexcept {
    auto* const s = known(socket, error);
    if (s == nullptr) return 0;
    if (s->stream && s->stream->was_reset) return error = ECONNRESET, 0;
    if (!s->stream || s->stream->waiting == 0) return error = s->stream && s->stream->has_ended ? 0 : EAGAIN, 0;
    std::size_t read = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto n = std::min<std::size_t>(parts[i].size, s->stream->waiting - read);
        std::memset(parts[i].data, simulation::fill_of(s->stream->mark), n);
        read += n;
    }
    s->stream->waiting -= static_cast<std::uint32_t>(read);
    return read;
}
std::size_t send_native(native_value, const buffer_part*, std::size_t, int, const void*, std::size_t, bool,
                        int& error) noexcept {
    error = EAGAIN;
    return 0;
}

}  // namespace berth::detail

namespace berth::platform {

bool has_way_to(const void*, std::size_t) noexcept { return true; }

accept_trouble accept_trouble_of(int error) noexcept {
    switch (error) {
        case ECANCELED:
            return accept_trouble::aborted;
        case ECONNABORTED:
            return accept_trouble::connection;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return accept_trouble::shortage;
        default:
            return accept_trouble::other;
    }
}

native_socket duplicate(native_socket, int& error) noexcept {
    error = EMFILE;
    return -1;
}

bool lacks_syn_cookies() noexcept { return false; }

void close_with_reset(native_socket socket) noexcept { simulation::model_network::installed().cut(socket); }

}  // namespace berth::platform
