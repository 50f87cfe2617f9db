// The client's end of berthd's socket; see service_channel.hpp.
#include "platform/service_channel.hpp"

#include "platform/linux/local_socket.hpp"
#include "platform/linux/os_failure.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace berth::platform {
namespace {

failure refused(errc code, std::string what) { return {code, std::move(what), 0, 0}; }

failure failed_connect(const std::string& path, int error) {
    const auto reason = std::generic_category().message(error);
    switch (error) {
        case ENOENT:
        case ECONNREFUSED:
            return refused(errc::service_unavailable,
                           "no berthd answers at " + path + " (" + reason +
                               "); start it (systemctl start berthd), or name its socket (BERTH_SOCKET)");
        case EACCES:
        case EPERM:
            return refused(errc::permission_denied,
                           path + ": persistent reservations are for root and the members of berthd's group");
        case EAGAIN:
            return refused(errc::service_unavailable, "berthd at " + path + " lets nobody in: it is too busy");
        default:
            return refused(static_cast<errc>(code_of(-error).value()), "berthd's socket " + path + ": " + reason);
    }
}

failure failed_exchange(const std::string& path, int error) {
    if (error == 0 || error == ECONNRESET || error == EPIPE) {
        return refused(errc::service_unavailable,
                       "berthd at " + path +
                           " ended the connection: it stopped, has too many clients, or is "
                           "of another version; its log says which");
    }
    if (error == EAGAIN) {
        return refused(errc::service_unavailable, "berthd at " + path + " does not answer in time");
    }
    return refused(errc::system_failure, "berthd at " + path + ": " + std::generic_category().message(error));
}

}  // namespace

service_channel::service_channel(std::string socket_path, std::chrono::milliseconds patience, failure& f)
    : socket_path_(std::move(socket_path)) {
    f = {};
    descriptor connection;
    const int error = connect_local(socket_path_, patience, connection);
    if (error != 0) f = failed_connect(socket_path_, error);
    connection_ = connection.release();
}

service_channel::~service_channel() {
    if (connection_ >= 0) ::close(static_cast<int>(connection_));
}

std::size_t service_channel::exchange(std::span<const std::byte> request, std::span<std::byte> answer, failure& f) {
    f = {};
    std::size_t size = 0;
    std::vector<descriptor> none;
    const int fd = static_cast<int>(connection_);
    int error = send_message(fd, request);
    if (error == 0) error = receive_message(fd, answer, size, none);
    if (error != 0 || size == 0) f = failed_exchange(socket_path_, error);
    return size;
}

bool service_channel::send(std::span<const std::byte> bytes) noexcept {
    return send_message(static_cast<int>(connection_), bytes, {}, false) == 0;
}

std::size_t service_channel::receive(std::span<std::byte> bytes, std::vector<native_socket>& sockets, failure& f) {
    f = {};
    std::size_t size = 0, cut = 0;
    std::vector<descriptor> received;
    pollfd waiting{.fd = static_cast<int>(connection_), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 0) <= 0) return 0;
    sockets.reserve(sockets.size() + most_descriptors);
    const int error = receive_message(waiting.fd, bytes, size, received, &cut);
    if (error == EAGAIN) return 0;
    if (error == ECONNRESET) return 0;  // said once; what was sent before, and the end, are behind it
    if (error == EMSGSIZE) {
        size = cut;
        f = refused(errc::too_many_files, "no descriptors are left for the sockets that berthd sent (RLIMIT_NOFILE)");
    } else if (error != 0 || size == 0) {
        f = failed_exchange(socket_path_, error);
    }
    for (auto& fd : received) sockets.push_back(fd.release());
    return size;
}

void service_channel::wait(std::chrono::milliseconds time) const noexcept {
    pollfd waiting{.fd = static_cast<int>(connection_), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, static_cast<int>(time.count()));
}

void service_channel::pause(std::chrono::milliseconds time) noexcept {
    ::poll(nullptr, 0, static_cast<int>(time.count()));
}

void service_channel::end() noexcept { ::shutdown(static_cast<int>(connection_), SHUT_RD); }

void service_channel::abandon() noexcept {
    if (connection_ >= 0) ::close(static_cast<int>(connection_));
    connection_ = -1;
}

void close_socket(native_socket socket) noexcept { ::close(static_cast<int>(socket)); }

std::string service_socket_of_environment() {
    const char* const path = ::secure_getenv("BERTH_SOCKET");
    return path == nullptr ? "" : path;
}

}  // namespace berth::platform
