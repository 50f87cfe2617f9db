// The line over a Unix socket; see handover_line.hpp.
#include "platform/handover_line.hpp"

#include "platform/linux/handover_address.hpp"
#include "platform/linux/local_socket.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/system_calls.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace berth::platform {
namespace {

using clock = std::chrono::steady_clock;

constexpr int moment = 1000;  // milliseconds that a dying process may take

line_state state_of(int error) noexcept {
    switch (error) {
        case 0:
            return line_state::fine;
        case EPIPE:
        case ECONNRESET:
            return line_state::gone;
        case EAGAIN:
            return line_state::late;
        case EMSGSIZE:
            return line_state::crowded;
        case ETOOMANYREFS:
            return line_state::flooded;
        default:
            return line_state::failed;
    }
}

// False: the time is over.
bool wait_for(int fd, short what, clock::time_point until) noexcept {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
        pollfd waiting{.fd = fd, .events = what, .revents = 0};
        const int r = ::poll(&waiting, 1, left < 0 ? 0 : static_cast<int>(left));
        if (r > 0 || (r < 0 && errno != EINTR)) return true;
        if (left <= 0) return false;
    }
}

failure failed_connect(const std::string& address, int error) {
    const auto reason = std::generic_category().message(error);
    switch (error) {
        case ENOENT:
        case ECONNREFUSED:
            return {errc::service_unavailable,
                    "no predecessor offers its ports at " + address + " (" + reason + "); reserve them instead", 0,
                    0};
        case EACCES:
        case EPERM:
            return {errc::permission_denied,
                    address + ": only the uid of the process that offers its ports may take them over", 0, 0};
        default:
            return {code_of(-error), "the hand-over's socket " + address + ": " + reason, 0, 0};
    }
}

}  // namespace

handed_descriptor::~handed_descriptor() {
    if (fd_ >= 0) ::close(static_cast<int>(fd_));
}

std::shared_ptr<handover_line> handover_line::connect(const std::string& address, failure& f,
                                                      clock::time_point until) {
    f = {};
    handover_address to;
    int error = to.set(address);
    handed_descriptor fd(error != 0 ? -1 : ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int socket = static_cast<int>(fd.get());
    if (error == 0 && socket < 0) error = errno;
    while (error == 0 && ::connect(socket, to.data(), to.size) != 0) {
        if (errno != EAGAIN || clock::now() >= until) {
            error = errno;
        } else {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    credentials offers;
    if (error == 0) error = credentials_of(socket, offers);
    if (error == 0 && offers.uid != ::geteuid()) {
        f = {errc::permission_denied,
             address + " belongs to a process of uid " + std::to_string(offers.uid) +
                 ": ports are taken over from one's own uid alone",
             0, 0};
        return nullptr;
    }
    if (error == EAGAIN) {
        f = {errc::operation_aborted,
             "so many successors wait at " + address + " that there was no place in line; its predecessor is busy", 0,
             0};
        return nullptr;
    }
    if (error == 0) return std::make_shared<handover_line>(std::move(fd));
    f = failed_connect(address, error);
    return nullptr;
}

line_state handover_line::send(std::span<const std::byte> bytes, std::span<const native_socket> descriptors,
                               clock::time_point until) noexcept {
    const int fd = static_cast<int>(connection_.get());
    int numbers[most_descriptors_of_message];
    if (descriptors.size() > most_descriptors_of_message) return line_state::failed;
    for (std::size_t i = 0; i < descriptors.size(); ++i) numbers[i] = static_cast<int>(descriptors[i]);
    for (;;) {
        const int error = send_message(fd, bytes, {numbers, descriptors.size()});
        if (error != EAGAIN || !wait_for(fd, POLLOUT, until)) return state_of(error);
    }
}

line_state handover_line::receive(handover_message& out, clock::time_point until) {
    const int fd = static_cast<int>(connection_.get());
    std::vector<platform::descriptor> received;
    for (bool was_reset = false;;) {
        std::size_t size = 0;
        out.bytes.resize(most_bytes_of_message);
        const int error = receive_message(fd, out.bytes, size, received);
        if (error == EAGAIN && wait_for(fd, POLLIN, until)) continue;
        // Who hangs up without having read all resets; what it said before is behind that.
        if (error == ECONNRESET && !std::exchange(was_reset, true)) continue;
        out.bytes.resize(size);
        out.descriptors.clear();
        out.descriptors.reserve(received.size());  // from here on each has an owner
        for (auto& r : received) out.descriptors.emplace_back(r.release());
        return error == 0 && size == 0 ? line_state::gone : state_of(error);
    }
}

bool handover_line::is_closed() const noexcept {
    pollfd waiting{.fd = static_cast<int>(connection_.get()), .events = 0, .revents = 0};
    return ::poll(&waiting, 1, 0) != 0 && (waiting.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void handover_line::hang_up() noexcept { ::shutdown(static_cast<int>(connection_.get()), SHUT_RDWR); }

bool predecessor_is_dead(native_socket process) noexcept {
    pollfd waiting{.fd = static_cast<int>(process), .events = POLLIN, .revents = 0};
    return process >= 0 && ::poll(&waiting, 1, moment) == 1 && (waiting.revents & POLLIN) != 0;
}

void count_descriptors(std::uint64_t& open, std::uint64_t& limit) noexcept {
    std::uint64_t hard = 0;
    open = 0;
    limit = ~std::uint64_t{0};
    if (linux_calls().descriptor_limit(limit, hard) < 0) limit = ~std::uint64_t{0};  // what runs out says so
    linux_calls().count_descriptors(open);
}

}  // namespace berth::platform
