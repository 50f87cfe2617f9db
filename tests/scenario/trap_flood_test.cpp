// Trap: under a flood a datagram or a client can slip in between silence and drain; so both ends drain.
//
// A flooding process numbers what it sends, and publishes a number once the kernel has taken it. What was published
// before a session ended must never be read in a later one. Opening and closing goes on as fast as it can.
#include "scenario/trap_ground.hpp"

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <new>

namespace {

using namespace traps;
using namespace std::chrono_literals;

class trap_flood : public by_parking {
protected:
    static void SetUpTestSuite() {
        void* const shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ASSERT_NE(shared, MAP_FAILED);
        sent_ = new (shared) std::atomic<std::uint64_t>(0);
    }
    static std::atomic<std::uint64_t>* sent_;
};
std::atomic<std::uint64_t>* trap_flood::sent_ = nullptr;
BERTH_TRAPS_BY_PARKING(trap_flood);

std::uint16_t flood_datagrams(std::uint16_t port, int family, std::atomic<std::uint64_t>& sent) {
    const descriptor fd = make_socket(family, SOCK_DGRAM);
    const auto to = loopback_for(family == AF_INET ? address_family::ipv4 : address_family::ipv6, family, port);
    for (std::uint64_t number = 1;; ++number) {
        if (::sendto(fd, &number, sizeof number, 0, to.get(), to.size) > 0) sent.store(number);
    }
}

// Clients with TTL 255, which a parked listener without the eBPF filter lets in.
std::uint16_t flood_clients(std::uint16_t port, std::atomic<std::uint64_t>& sent) {
    for (std::uint64_t number = 1;; ++number) {
        const descriptor fd = client(AF_INET, port, 255);
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        if (!becomes(fd, POLLOUT, 2) || pending_error(fd) != 0) continue;
        if (::send(fd, &number, sizeof number, MSG_NOSIGNAL) > 0) sent.store(number);
        becomes(fd, POLLIN, 1);
    }
}

TEST_P(trap_flood, a_new_session_never_reads_an_old_sessions_datagram) {
    for (const auto family : {address_family::dual, address_family::ipv4}) {
        auto reservation = reserve(transport::udp, family);
        *sent_ = 0;
        const auto number = reservation.block().first;
        doomed_process flood([&](int) { return flood_datagrams(number, AF_INET, *sent_); });
        std::uint64_t before = 0, heard = 0, stale = 0;
        for (const auto end = std::chrono::steady_clock::now() + 1s; std::chrono::steady_clock::now() < end;) {
            auto port = take(reservation);
            std::uint64_t mark = 0;
            becomes(port.io_handle(), POLLIN, 1);
            for (int i = 0; i < 8; ++i) {
                if (::recv(port.io_handle(), &mark, sizeof mark, MSG_DONTWAIT) != sizeof mark) continue;
                ++heard;
                if (mark <= before) ++stale;
            }
            before = sent_->load();
            give_back(port);
        }
        EXPECT_EQ(stale, 0u);
        EXPECT_GT(heard, 100u) << "no flood, no test";
        EXPECT_GT(reservation.statistics().discarded, 0u);
        EXPECT_EQ(reservation.statistics().ports.total(), 1u);
    }
}

TEST_P(trap_flood, a_new_session_never_accepts_an_old_sessions_client) {
    auto reservation = reserve(transport::tcp, address_family::ipv4);
    *sent_ = 0;
    const auto number = reservation.block().first;
    doomed_process flood([&](int) { return flood_clients(number, *sent_); });
    std::uint64_t before = 0, sessions = 0, served = 0, stale = 0;
    for (const auto end = std::chrono::steady_clock::now() + 2s; std::chrono::steady_clock::now() < end; ++sessions) {
        auto port = take(reservation);
        becomes(port.io_handle(), POLLIN, 1);
        const descriptor caller(::accept4(port.io_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        std::uint64_t mark = 0;
        if (caller >= 0 && becomes(caller, POLLIN, 5) && ::recv(caller, &mark, sizeof mark, 0) == sizeof mark) {
            ++served;
            if (mark <= before) ++stale;
        }
        if (sessions % 2 == 0) becomes(port.io_handle(), POLLIN, 1);  // leave somebody waiting
        before = sent_->load();
        give_back(port);
        before = std::max(before, sent_->load());  // a client that was let in while the port was parked
    }
    EXPECT_EQ(stale, 0u);
    EXPECT_GT(served, 20u) << "no flood, no test";
    EXPECT_GT(reservation.statistics().discarded, 0u);
    EXPECT_EQ(reservation.statistics().condemned, 0u);
}

}  // namespace
