// The holder process ends: killed under load its ports can be reserved again at once; a fork of it can do no harm.
//
// The killed process serves accepted clients whose other ends live on in this process, speaks UDP and has outbound
// connections, so that the kernel has remains of all kinds to clear away. What a forked child may and may not do with
// its parent's block is asked of the child; what it did is looked for in the parent.
#include "failing_ground.hpp"

#include <berth/associate.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <iostream>

namespace berth::test {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::uint32_t ports = 16;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET, to.sin_port = htons(port), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

int connected_client(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto to = loopback(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
    ::close(fd);
    return -1;
}

bool readable(int fd, int ms = 2000) {
    pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&p, 1, ms) == 1 && (p.revents & POLLIN) != 0;
}

bool hears(int socket, std::uint16_t port) {
    const int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto to = loopback(port);
    ::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ::close(sender);
    char got[4];
    return readable(socket, 300) && ::recv(socket, got, sizeof got, MSG_DONTWAIT) == 1;
}

/// A plain listener of this process, the destination of outbound ports.
struct destination {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::uint16_t port = 0;
    destination() {
        auto any = loopback(0);
        socklen_t size = sizeof any;
        ::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof any);
        ::listen(fd, 256);
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size);
        port = ntohs(any.sin_port);
    }
    destination(const destination&) = delete;
    destination& operator=(const destination&) = delete;
    ~destination() { ::close(fd); }
};

reservation_request ask(transport protocol, tcp_use use, port_block block) {
    reservation_request r;
    r.block = block, r.protocol = protocol, r.use = use, r.family = address_family::dual;
    return r;
}

struct blocks {
    port_block listen, outbound, udp;
};

// Never returns: serves until it is killed.
[[noreturn]] void hold_and_serve(const blocks& b, const destination& to, int ready) {
    auto listeners = port_reservation::reserve(ask(transport::tcp, tcp_use::listen, b.listen));
    auto outbound = port_reservation::reserve(ask(transport::tcp, tcp_use::connect, b.outbound));
    auto udp = port_reservation::reserve(ask(transport::udp, tcp_use::listen, b.udp));
    std::vector<bound_port> held;
    error_code ec;
    for (std::uint32_t i = 0; i < ports; ++i) {
        held.push_back(listeners.take(ec));
        if (i % 2 == 0) held.push_back(udp.take(ec));
        held.push_back(outbound.take(ec));
        sockaddr_in6 mapped{};
        mapped.sin6_family = AF_INET6, mapped.sin6_port = htons(to.port);
        mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
        mapped.sin6_addr.s6_addr[12] = 127, mapped.sin6_addr.s6_addr[15] = 1;
        ::connect(held.back().io_handle(), reinterpret_cast<sockaddr*>(&mapped), sizeof mapped);
    }
    if (::write(ready, "r", 1) != 1) std::_Exit(1);
    std::vector<int> clients;
    for (;;) {  // all that comes, until the end
        for (auto& p : held) {
            const int fd = ::accept4(p.io_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (fd >= 0) clients.push_back(fd);
        }
        for (std::size_t i = 0; i < clients.size(); ++i) {
            if (::send(clients[i], "hello", 5, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 || i % 3 == 0) continue;
            ::shutdown(clients[i], SHUT_WR);
        }
        ::write(ready, "s", 1);
        ::usleep(200);
    }
}

TEST(process_end, a_killed_holders_ports_can_be_reserved_again_within_a_second) {
    blocks b{free_block(ports), {}, {}};
    std::vector<double> took;
    for (int round = 0; round < 20; ++round) {
        {
            auto one = port_reservation::reserve(ask(transport::tcp, tcp_use::listen, {0, ports}));
            auto two = port_reservation::reserve(ask(transport::tcp, tcp_use::connect, {0, ports}));
            auto three = port_reservation::reserve(ask(transport::udp, tcp_use::listen, {0, ports}));
            b = {one.block(), two.block(), three.block()};
        }
        const destination to;
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const pid_t holder = ::fork();
        ASSERT_GE(holder, 0);
        if (holder == 0) {
            ::close(ends[0]);
            try {
                hold_and_serve(b, to, ends[1]);
            } catch (const std::exception& e) {
                std::cerr << e.what() << '\n';
            }
            std::_Exit(1);
        }
        ::close(ends[1]);
        char word = 0;
        ASSERT_EQ(::read(ends[0], &word, 1), 1) << "the holder could not reserve";
        std::vector<int> clients;
        for (std::uint32_t i = 0; i < 3 * ports; ++i) {
            clients.push_back(connected_client(static_cast<std::uint16_t>(b.listen.first + i % ports)));
        }
        EXPECT_EQ(std::count(clients.begin(), clients.end(), -1), 0) << "the holder does not serve";
        EXPECT_TRUE(std::any_of(clients.begin(), clients.end(), [](int c) { return readable(c); }));
        for (std::size_t i = 0; i < clients.size(); i += 3) {
            ::close(clients[i]);  // some leave first
            clients[i] = -1;
        }
        ::usleep(static_cast<useconds_t>(round * 300));
        failure f;
        EXPECT_FALSE(port_reservation::reserve(ask(transport::udp, tcp_use::listen, b.udp), f)) << "it did not hold";

        ASSERT_EQ(::kill(holder, SIGKILL), 0);
        const auto began = steady::now();
        port_reservation again[3];
        const reservation_request wanted[3] = {ask(transport::tcp, tcp_use::listen, b.listen),
                                               ask(transport::tcp, tcp_use::connect, b.outbound),
                                               ask(transport::udp, tcp_use::listen, b.udp)};
        for (int i = 0; i < 3; ++i) {
            do {
                again[i] = port_reservation::reserve(wanted[i], f);
            } while (!again[i] && steady::now() - began < std::chrono::seconds(5));
            EXPECT_TRUE(again[i]) << "round " << round << ": " << f.what;
        }
        took.push_back(std::chrono::duration<double, std::milli>(steady::now() - began).count());
        EXPECT_LT(took.back(), 1000) << "round " << round;
        int status = 0;
        ASSERT_EQ(::waitpid(holder, &status, 0), holder);
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        error_code ec;
        for (auto& r : again) EXPECT_TRUE(r.take(ec)) << ec.message();
        for (const int c : clients) {
            if (c >= 0) ::close(c);
        }
        ::close(ends[0]);
    }
    std::sort(took.begin(), took.end());
    std::cout << "reserved again after SIGKILL: median " << took[took.size() / 2] << " ms, worst " << took.back()
              << " ms (three blocks of " << ports << " ports)\n";
}

/// Forks, lets the child look, and waits for it. Its sentence; empty: all as it should be.
std::string in_forked_child(const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        std::string said;
        try {
            said = body();
        } catch (const std::exception& e) {
            said = e.what();
        }
        const auto n = ::write(ends[1], said.data(), said.size());
        std::_Exit(n == static_cast<ssize_t>(said.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string said;
    char piece[256];
    for (ssize_t n; (n = ::read(ends[0], piece, sizeof piece)) > 0;) said.append(piece, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) said += " (the child died)";
    return said;
}

class forked_child : public testing::TestWithParam<way> {
protected:
    void SetUp() override {
        reservation_ = port_reservation::reserve(request_for(GetParam(), {0, 4}));
        error_code ec;
        open_ = take();
        lent_ = take();
        static_cast<void>(lent_.native_handle());
        before_ = reservation_.statistics().ports;
    }
    bound_port take() {
        error_code ec;
        auto p = GetParam().protocol == transport::tcp_and_udp ? reservation_.take(transport::udp, ec)
                                                               : reservation_.take(ec);
        EXPECT_FALSE(ec) << ec.message();
        return p;
    }
    [[nodiscard]] oracle_protocol kind() const {
        return GetParam().protocol == transport::tcp ? oracle_protocol::tcp : oracle_protocol::udp;
    }
    bool serves(const bound_port& p) {
        if (kind() == oracle_protocol::udp) return hears(p.io_handle(), p.port());
        if (GetParam().use == tcp_use::listen) {
            const int client = connected_client(p.port());
            const int server =
                readable(p.io_handle()) ? ::accept4(p.io_handle(), nullptr, nullptr, SOCK_CLOEXEC) : -1;
            ::close(client), ::close(server);
            return server >= 0;
        }
        const destination to;
        const auto address = loopback(to.port);
        sockaddr_in6 mapped{};
        mapped.sin6_family = AF_INET6, mapped.sin6_port = address.sin_port;
        mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
        std::memcpy(&mapped.sin6_addr.s6_addr[12], &address.sin_addr, 4);
        const int r = ::connect(p.io_handle(), reinterpret_cast<const sockaddr*>(&mapped), sizeof mapped);
        return r == 0 || errno == EINPROGRESS;
    }
    /// What a silent port of the block does with what comes: nothing.
    bool parked_ports_are_silent() {
        for (std::uint32_t i = 0; i < 4; ++i) {
            const auto port = static_cast<std::uint16_t>(reservation_.block().first + i);
            if (port == open_.port() || port == lent_.port() || kind() != oracle_protocol::udp) continue;
            const int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            const auto to = loopback(port);
            ::sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
            ::close(sender);
            error_code ec;
            auto p = GetParam().protocol == transport::tcp_and_udp ? reservation_.take_port(port, transport::udp, ec)
                                                                   : reservation_.take_port(port, ec);
            if (!p) return false;
            char got[4];
            if (::recv(p.io_handle(), got, sizeof got, MSG_DONTWAIT) >= 0) return false;
            if (!hears(p.io_handle(), port)) return false;
        }
        return true;
    }
    void expect_unchanged() {
        const auto now = reservation_.statistics().ports;
        EXPECT_EQ(now.available, before_.available);
        EXPECT_EQ(now.open, before_.open);
        EXPECT_EQ(now.total(), before_.total());
        EXPECT_TRUE(parked_ports_are_silent());
        EXPECT_TRUE(serves(open_)) << "an open port does not hear any more";
        EXPECT_TRUE(serves(lent_)) << "an open port does not hear any more";
        failure f;
        EXPECT_FALSE(port_reservation::reserve(request_for(GetParam(), reservation_.block()), f));
        EXPECT_EQ(f.code, errc::block_unavailable) << "the block is not held exclusively";
        EXPECT_TRUE(strangers_on(kind(), reservation_.block().first, 4).empty());
        error_code ec;
        open_.give_back(ec), lent_.give_back(ec);
        EXPECT_EQ(reservation_.statistics().condemned, 0U);
        EXPECT_EQ(reservation_.statistics().ports.available, before_.total());
    }
    port_reservation reservation_;
    bound_port open_, lent_;
    port_counts before_;
};

TEST_P(forked_child, is_refused_every_use_of_the_parents_block) {
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  error_code ec;
                  const bool both = GetParam().protocol == transport::tcp_and_udp;
                  const auto which = GetParam().protocol == transport::tcp ? transport::tcp : transport::udp;
                  if ((both ? reservation_.take(which, ec) : reservation_.take(ec)) || ec != errc::forked)
                      return "take";
                  if (reservation_.take_port(reservation_.block().first, which, ec) || ec != errc::forked)
                      return "take_port";
                  if (reservation_.take_pair(which, ec)[0] || ec != errc::forked) return "take_pair";
                  failure f;
                  reservation_.release(f, if_taken::detach);
                  if (f.code != errc::forked) return "release";
                  if (reservation_.reclaim() != 0) return "reclaim";
                  const int type = which == transport::tcp ? SOCK_STREAM : SOCK_DGRAM;
                  const int socket =
                      ::socket(GetParam().family == address_family::ipv4 ? AF_INET : AF_INET6, type, 0);
                  associate(socket, reservation_.token(), ec);
                  if (ec != errc::forked && ec != errc::invalid_token) return "associate: " + ec.message();
                  bind(socket, bind_endpoint(asio::ip::address(), 0), ec);
                  if (!ec) return "bind";
                  release(socket, reservation_.token(), f);
                  if (f.code != errc::forked && f.code != errc::invalid_token) return "release by token";
                  if (lent_.duplicate(ec) != -1 || ec != errc::forked) return "duplicate";
                  open_.give_back(ec);
                  return ec == errc::forked ? "" : "give_back";
              }),
              "");
    expect_unchanged();
}

TEST_P(forked_child, ends_through_its_destructors_and_the_parent_notices_nothing) {
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  {
                      const bound_port one(std::move(open_)), two(std::move(lent_));
                      const port_reservation gone(std::move(reservation_));
                  }
                  return "";
              }),
              "");
    expect_unchanged();
}

TEST_P(forked_child, makes_a_reservation_of_its_own) {
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  auto own = port_reservation::reserve(request_for(GetParam(), {0, 4}));
                  if (overlap(own.block(), reservation_.block())) return "overlaps its parent's";
                  error_code ec;
                  auto p = own.take(GetParam().protocol == transport::tcp ? transport::tcp : transport::udp, ec);
                  if (ec) return ec.message();
                  if (kind() == oracle_protocol::udp && !hears(p.io_handle(), p.port())) return "deaf";
                  p.give_back(ec);
                  if (ec) return ec.message();
                  const auto block = own.block();
                  own.release();
                  return sockets_on(kind(), block.first, 4).empty() ? "" : "sockets are left";
              }),
              "");
    expect_unchanged();
}

// The caller's socket of the parent, in the child: the same kernel socket, and its parking place is shared memory.
TEST_P(forked_child, cannot_give_back_a_socket_that_its_parent_bound) {
    const auto which = GetParam().protocol == transport::tcp ? transport::tcp : transport::udp;
    const int family = GetParam().family == address_family::ipv4 ? AF_INET : AF_INET6;
    const int socket = ::socket(family, (which == transport::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    failure f;
    error_code ec;
    associate(socket, reservation_.token(), ec);
    ASSERT_FALSE(ec) << ec.message();
    bind(socket, bind_endpoint(asio::ip::address(), 0), f);
    ASSERT_FALSE(f) << f.what;
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  error_code in_child;
                  give_back(socket, in_child);
                  if (in_child != errc::forked && in_child != errc::not_associated) return in_child.message();
                  ::close(socket);
                  return "";
              }),
              "");
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size), 0);
    const auto port = ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port);
    if (which == transport::udp) {
        EXPECT_TRUE(hears(socket, port));
    }
    give_back(socket, ec);
    EXPECT_FALSE(ec) << ec.message();
    reservation_.reclaim();
    expect_unchanged();
}

INSTANTIATE_TEST_SUITE_P(of, forked_child, testing::ValuesIn(all_ways()), testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
