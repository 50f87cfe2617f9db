// Exactly one owner, seen through real sockets: 8 ports, 8 threads, and everybody hears only what it sent to itself.
//
// A worker marks its datagram with its own name, sends it to the port that it took and reads it there. A port with
// two owners, or a socket that was not emptied, gives somebody else's mark. Outbound and listening ports are counted
// by owner. Two rounds a kind: as many ports as threads want, and fewer.
#include "support/oracle.hpp"

#include <berth/capabilities.hpp>
#include <berth/port_reservation.hpp>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>

namespace berth::test {
namespace {

constexpr std::uint32_t ports = 8;
constexpr unsigned threads = 8;
constexpr std::chrono::milliseconds run_time{1500};

struct mark {
    std::uint64_t thread = 0, turn = 0;
    friend bool operator==(const mark&, const mark&) = default;
};

struct tally {
    std::atomic<std::uint64_t> takes{0}, exhausted{0}, two_owners{0}, strange{0}, lost{0}, other{0};
};

class plain_sender {
public:
    plain_sender() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
    plain_sender(const plain_sender&) = delete;
    plain_sender& operator=(const plain_sender&) = delete;
    ~plain_sender() { ::close(fd_); }
    void send(std::uint16_t port, const mark& m) const {
        sockaddr_in to{};
        to.sin_family = AF_INET, to.sin_port = htons(port), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::sendto(fd_, &m, sizeof m, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    }

private:
    int fd_;
};

void hear_oneself(const bound_port& port, const plain_sender& sender, const mark& mine, tally& t) {
    sender.send(port.port(), mine);
    mark got;
    pollfd p{.fd = port.io_handle(), .events = POLLIN, .revents = 0};
    if (::poll(&p, 1, 1000) != 1) {
        ++t.lost;
        return;
    }
    if (::recv(port.io_handle(), &got, sizeof got, MSG_DONTWAIT) != sizeof got || got != mine) ++t.strange;
    if (::recv(port.io_handle(), &got, sizeof got, MSG_DONTWAIT) >= 0) ++t.strange;
}

void work(port_reservation& reservation, const plain_sender& sender, unsigned me, bool udp, unsigned want,
          std::array<std::atomic<int>, ports>& owners, tally& t, std::chrono::steady_clock::time_point until) {
    const auto first = reservation.block().first;
    std::vector<bound_port> held;
    for (std::uint64_t turn = 1; std::chrono::steady_clock::now() < until; ++turn) {
        error_code ec;
        auto port = reservation.take(ec);
        if (ec) {
            ++(ec == errc::block_exhausted ? t.exhausted : t.other);
            held.clear();
            continue;
        }
        ++t.takes;
        // relaxed: the library must order one owner after the other, not the count
        if (owners[port.port() - first].fetch_add(1, std::memory_order_relaxed) != 0) ++t.two_owners;
        if (udp && turn % 4 == 0) hear_oneself(port, sender, {me, turn}, t);
        if (turn % 64 == 0) static_cast<void>(port.native_handle());
        if (turn % 1024 == 0) ::close(port.duplicate(ec));
        owners[port.port() - first].fetch_sub(1, std::memory_order_relaxed);
        if (want > 1 && held.size() < want && turn % 3 == 0) {
            held.push_back(std::move(port));  // keeps it for a while, so that others find the block empty
        } else {
            held.clear();
            port.give_back(ec);
            t.other += static_cast<bool>(ec);
        }
    }
}

struct contested {
    const char* name;
    transport protocol;
    tcp_use use;
    parking park;
    unsigned want;
};
std::ostream& operator<<(std::ostream& out, const contested& c) { return out << c.name; }

class exactly_one_owner : public testing::TestWithParam<contested> {};

TEST_P(exactly_one_owner, however_many_threads_take_and_give_back) {
    const auto c = GetParam();
    reservation_request request;
    request.block.count = ports;
    request.protocol = c.protocol, request.use = c.use, request.park = c.park;
    auto reservation = port_reservation::reserve(request);
    std::array<std::atomic<int>, ports> owners{};
    tally t;
    const auto until = std::chrono::steady_clock::now() + run_time;
    const std::array<plain_sender, threads> senders;  // made here: reclaim looks at every descriptor of the process
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < threads; ++i) {
        workers.emplace_back(work, std::ref(reservation), std::cref(senders[i]), i, c.protocol == transport::udp,
                             c.want, std::ref(owners), std::ref(t), until);
    }
    std::uint64_t readings = 0;
    for (; std::chrono::steady_clock::now() < until; ++readings) {
        ASSERT_EQ(reservation.statistics().ports.total(), ports) << "a port is lost in the books";
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    for (auto& w : workers) w.join();
    std::cout << t.takes << " takes, " << t.exhausted << " found none, " << readings << " readings of the books\n";
    EXPECT_EQ(t.two_owners, 0U);
    EXPECT_EQ(t.strange, 0U) << "somebody heard what was not for him";
    EXPECT_EQ(t.lost, 0U) << "an open port did not hear";
    EXPECT_EQ(t.other, 0U);
    EXPECT_GT(t.takes, 1000U);
    if (c.want > 1) {
        EXPECT_GT(t.exhausted, 0U);
    }
    reservation.reclaim();
    const auto books = reservation.statistics();
    EXPECT_EQ(books.ports.available, ports);
    EXPECT_EQ(books.takes, t.takes);
    EXPECT_EQ(books.gives_back, t.takes);
    EXPECT_EQ(books.condemned, 0U);
    const auto kind = c.protocol == transport::udp ? oracle_protocol::udp : oracle_protocol::tcp;
    EXPECT_EQ(sockets_on(kind, reservation.block().first, ports).size(), 2U * ports);
    EXPECT_TRUE(strangers_on(kind, reservation.block().first, ports).empty());
}

INSTANTIATE_TEST_SUITE_P(
    of, exactly_one_owner,
    testing::Values(contested{"udp", transport::udp, tcp_use::listen, parking::best, 1},
                    contested{"udp_few_ports", transport::udp, tcp_use::listen, parking::best, 3},
                    contested{"udp_by_calls", transport::udp, tcp_use::listen, parking::system_calls, 3},
                    contested{"listeners", transport::tcp, tcp_use::listen, parking::best, 3},
                    contested{"listeners_by_calls", transport::tcp, tcp_use::listen, parking::system_calls, 1},
                    contested{"outbound", transport::tcp, tcp_use::connect, parking::best, 3}),
    testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
