// The process's signal handlers of berth; see include/berth/detail/signal_relay.hpp.
//
// The C runtime calls a handler on a thread of its own for Ctrl+C and Ctrl+Break (SIGINT, SIGBREAK), and where raise()
// was called for the others; it forgets the handler each time. A channel is two connected UDP sockets on the loopback
// address: only the one hears the other.
#include <berth/detail/signal_relay.hpp>

#include "platform/windows/winsock.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

namespace berth::detail {
namespace {

using platform::as_native;
using platform::as_socket;

constexpr int numbers = 32, channels_each = 16;
constexpr native_value none = -1;

struct relay {
    std::array<std::atomic<native_value>, channels_each> to;
    void (*before)(int) = SIG_DFL;
    int in_use = 0;
    relay() noexcept {
        for (auto& socket : to) socket.store(none);
    }
};

std::atomic<int> handlers_inside{0};

std::array<relay, numbers>& relays() noexcept {
    static auto& all = *new std::array<relay, numbers>;
    return all;
}

std::mutex& gate() noexcept {
    static auto& mutex = *new std::mutex;
    return mutex;
}

void heard(int number) {
    std::signal(number, heard);
    handlers_inside.fetch_add(1);
    const auto byte = static_cast<char>(number);
    for (auto& to : relays()[static_cast<std::size_t>(number)].to) {
        const native_value socket = to.load();
        if (socket != none) ::send(as_socket(socket), &byte, 1, 0);
    }
    handlers_inside.fetch_sub(1);
}

SOCKET loopback_end(sockaddr_in& address, int& error) noexcept {
    native_value made = open_native(AF_INET, SOCK_DGRAM, IPPROTO_UDP, error);
    if (error != 0) return INVALID_SOCKET;
    int size = sizeof address;
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const BOOL yes = TRUE;
    const SOCKET s = as_socket(made);
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    if (::setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, reinterpret_cast<const char*>(&yes), sizeof yes) != 0 ||
        ::bind(s, name, sizeof address) != 0 || ::getsockname(s, name, &size) != 0) {
        error = ::WSAGetLastError();
        ::closesocket(s);
        return INVALID_SOCKET;
    }
    set_nonblocking_native(made, true, error);
    return s;
}

}  // namespace

signal_channel open_signal_channel(int& error) noexcept {
    relays();  // before a handler needs them
    sockaddr_in here{}, there{};
    const SOCKET reading = loopback_end(here, error);
    if (reading == INVALID_SOCKET) return {};
    const SOCKET writing = loopback_end(there, error);
    if (writing == INVALID_SOCKET || ::connect(reading, reinterpret_cast<sockaddr*>(&there), sizeof there) != 0 ||
        ::connect(writing, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0) {
        if (error == 0) error = ::WSAGetLastError();
        ::closesocket(reading);
        if (writing != INVALID_SOCKET) ::closesocket(writing);
        return {};
    }
    return {as_native(reading), as_native(writing)};
}

void close_signal_channel(signal_channel& channel) noexcept {
    if (channel.writing != none) ::closesocket(as_socket(channel.writing));
    channel.writing = none;
}

void relay_signal(int number, const signal_channel& channel, int& error) noexcept {
    const std::lock_guard lock(gate());
    error = WSAEINVAL;
    if (number <= 0 || number >= numbers) return;
    relay& r = relays()[static_cast<std::size_t>(number)];
    std::atomic<native_value>* place = nullptr;
    for (auto& to : r.to) {
        if (to.load() == channel.writing) return static_cast<void>(error = 0);
        if (place == nullptr && to.load() == none) place = &to;
    }
    error = WSAENOBUFS;
    if (place == nullptr) return;
    error = 0;
    if (r.in_use == 0) {
        const auto before = std::signal(number, heard);
        if (before == SIG_ERR) return static_cast<void>(error = WSAEINVAL);
        r.before = before;
    }
    ++r.in_use;
    place->store(channel.writing);
}

void stop_relaying_signal(int number, const signal_channel& channel) noexcept {
    const std::lock_guard lock(gate());
    if (number <= 0 || number >= numbers) return;
    relay& r = relays()[static_cast<std::size_t>(number)];
    for (auto& to : r.to) {
        if (to.load() != channel.writing) continue;
        to.store(none);
        if (--r.in_use == 0) std::signal(number, r.before);
    }
    while (handlers_inside.load() != 0) std::this_thread::yield();
}

}  // namespace berth::detail
