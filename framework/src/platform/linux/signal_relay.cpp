// The process's signal handlers of berth; see include/berth/detail/signal_relay.hpp.
//
// The handler walks an array of atomics and writes a byte: all of it is async-signal-safe. A channel's descriptor is
// taken out of the array before it is closed; a handler that is just using it on another thread is waited for.
#include <berth/detail/signal_relay.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <thread>

namespace berth::detail {
namespace {

constexpr int numbers = 65, channels_each = 16, none = -1;

struct relay {
    relay() noexcept {
        for (auto& fd : to) fd.store(none, std::memory_order_relaxed);
    }
    std::array<std::atomic<int>, channels_each> to;
    struct sigaction before {};
    int in_use = 0;
};

std::atomic<int> handlers_inside{0};

// Nothing to destroy: a signal may come until the process is gone.
std::array<relay, numbers>& relays() noexcept {
    static std::array<relay, numbers> all;
    return all;
}
std::atomic<std::array<relay, numbers>*> the_relays{nullptr};  // set before the first handler is installed

std::mutex gate;

void heard(int number) {
    const int saved = errno;
    handlers_inside.fetch_add(1);
    const auto byte = static_cast<unsigned char>(number);
    for (auto& to : (*the_relays.load())[static_cast<std::size_t>(number)].to) {
        const int fd = to.load();
        if (fd != none) static_cast<void>(::send(fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL));
    }
    handlers_inside.fetch_sub(1);
    errno = saved;
}

bool install(int number, relay& r) noexcept {
    struct sigaction action {};
    action.sa_handler = heard;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    return ::sigaction(number, &action, &r.before) == 0;
}

}  // namespace

signal_channel open_signal_channel(int& error) noexcept {
    int ends[2];
    error = ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0 ? errno : 0;
    if (error != 0) return {};
    return {ends[0], ends[1]};
}

void close_signal_channel(signal_channel& channel) noexcept {
    if (channel.writing != none) ::close(static_cast<int>(channel.writing));
    channel.writing = none;
}

void relay_signal(int number, const signal_channel& channel, int& error) noexcept {
    const std::lock_guard lock(gate);
    error = EINVAL;
    if (number <= 0 || number >= numbers) return;
    the_relays = &relays();
    relay& r = relays()[static_cast<std::size_t>(number)];
    const int fd = static_cast<int>(channel.writing);
    std::atomic<int>* place = nullptr;
    for (auto& to : r.to) {
        if (to.load() == fd) return static_cast<void>(error = 0);
        if (place == nullptr && to.load() == none) place = &to;
    }
    error = ENOSPC;
    if (place == nullptr) return;
    error = 0;
    if (r.in_use == 0 && !install(number, r)) return static_cast<void>(error = errno);
    ++r.in_use;
    place->store(fd);
}

void stop_relaying_signal(int number, const signal_channel& channel) noexcept {
    const std::lock_guard lock(gate);
    if (number <= 0 || number >= numbers) return;
    relay& r = relays()[static_cast<std::size_t>(number)];
    for (auto& to : r.to) {
        if (to.load() != static_cast<int>(channel.writing)) continue;
        to.store(none);
        if (--r.in_use == 0) ::sigaction(number, &r.before, nullptr);
    }
    while (handlers_inside.load() != 0) std::this_thread::yield();
}

}  // namespace berth::detail
