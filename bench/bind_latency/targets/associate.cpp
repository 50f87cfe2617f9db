// associate + bind on a caller's own socket, against the same calls made bare; empty and 99.9 % taken.
#include "baseline/raw/sockets.hpp"
#include "bind_latency/targets/subjects.hpp"
#include "platform/linux/option_table.hpp"

#include <berth/associate.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

namespace berth::bench {
namespace {

constexpr std::uint32_t in_a_batch = 4;  // at 99.9 % no more ports are free
constexpr int so_cookie = 57, so_netns_cookie = 71, so_meminfo = 55;

/// What associate and bind ask a socket before they trust it.
void inspect(int fd) noexcept {
    sockaddr_storage name{};
    std::uint64_t value = 0;
    socklen_t size = sizeof name;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    size = 4;
    ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &size);
    size = 8;
    ::getsockopt(fd, SOL_SOCKET, so_cookie, &value, &size);
    size = 8;
    ::getsockopt(fd, SOL_SOCKET, so_netns_cookie, &value, &size);
}

/// The options that are read to be carried over: the library's table, read with nothing in between.
void read_options(int fd) noexcept {
    std::array<unsigned char, 64> value{};
    socklen_t size = 36;
    ::fcntl(fd, F_GETFL);
    ::getsockopt(fd, SOL_SOCKET, so_meminfo, value.data(), &size);
    for (const platform::option_row& row : platform::option_table()) {
        if ((row.kinds & platform::for_udp) == 0 || (row.families & platform::speaks_ipv4) == 0) continue;
        if (row.across == platform::carry::ignore) continue;
        size = row.size;
        ::getsockopt(fd, row.level, row.name, value.data(), &size);
    }
}

class bare_hand_over {
public:
    bare_hand_over() {
        for (int& fd : sessions_) {
            fd = raw::open_socket(SOCK_DGRAM | SOCK_NONBLOCK);
            raw::bind_to(fd, 0);
        }
    }
    ~bare_hand_over() {
        for (const int fd : sessions_) ::close(fd);
    }
    bare_hand_over(const bare_hand_over&) = delete;
    bare_hand_over& operator=(const bare_hand_over&) = delete;
    double once() noexcept {
        std::array<int, in_a_batch> targets{};
        const double each = batch(in_a_batch, [&](std::uint32_t i) {
            targets[i] = raw::open_socket(SOCK_DGRAM);
            inspect(targets[i]);  // associate
            inspect(targets[i]);  // bind
            struct stat file {};
            ::fstat(targets[i], &file);
            char sink[1];
            ::recv(sessions_[i], sink, sizeof sink, MSG_DONTWAIT | MSG_TRUNC);
            read_options(targets[i]);
            ::fcntl(sessions_[i], F_SETFL, O_RDWR);
            ::dup3(sessions_[i], targets[i], O_CLOEXEC);
            inspect(sessions_[i]);
        });
        for (const int fd : targets) ::close(fd);
        return each;
    }

private:
    std::array<int, in_a_batch> sessions_{};
};

class own_sockets {
public:
    explicit own_sockets(std::uint32_t ports) : reservation_(reserve_for(protocol::udp, ports, parking::best)) {}
    void occupy(double percent) {
        error_code ec;
        const std::uint32_t wanted = occupied_of(reservation_.block().count, percent);
        while (in_use_.size() < wanted && !ec) in_use_.push_back(reservation_.take(ec));
    }
    double once() {
        std::array<int, in_a_batch> fds{};
        error_code ec;
        const double each = batch(in_a_batch, [&](std::uint32_t i) {
            fds[i] = raw::open_socket(SOCK_DGRAM);
            associate(fds[i], reservation_.token(), ec);
            bind(fds[i], bind_endpoint{}, ec);
            failed_ = failed_ || ec;
        });
        for (const int fd : fds) berth::give_back(fd, ec);
        return each;
    }
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    port_reservation reservation_;
    std::vector<bound_port> in_use_;
    bool failed_ = false;
};

}  // namespace

void measure_associate(target_context& c) {
    own_sockets empty(c.block_ports());
    own_sockets full(c.block_ports());
    full.occupy(99.9);
    bare_hand_over bare;
    const auto figures = interleave(
        c.rounds() * 2, {[&] { return empty.once(); }, [&] { return bare.once(); }, [&] { return full.once(); }});
    if (empty.failed() || full.failed()) throw std::runtime_error("associate + bind failed");
    const double at_zero = median(figures[0]), same = median(figures[1]), at_full = median(figures[2]);
    c.out.push_back(at_most("associate + bind, UDP, empty block", 1.3, at_zero, "the same calls made bare", same));
    c.out.push_back(
        at_most("associate + bind, UDP, block 99.9 % taken", 1.3, at_full, "the same calls made bare", same));
    c.out.push_back(at_most("associate + bind stays flat", 1.1, at_full, "itself in an empty block", at_zero));
}

}  // namespace berth::bench
