// The cycles, what a worker does with a port, and what must be true in the end.
#include "hand_over.hpp"

#include "intruder.hpp"
#include "plain_sockets.hpp"
#include "support/oracle.hpp"

#include <berth/capabilities.hpp>
#include <berth/port_reservation.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

namespace berth::test {
namespace {

using steady = std::chrono::steady_clock;

constexpr std::uint32_t ports = 8;
constexpr std::uint64_t least_rounds = 2;  // of each intruder over the whole list

/// So many tries are aimed at as well, where the machine is not too busy. Of a design that lets somebody in once in
/// 1,500 hand-overs, 20,000 show it but for a chance of 1 in 600,000; the designs that the negative controls lose by
/// do so in one of 2 to one of 20. At night there are more.
std::uint64_t least_cycles(const handed_over& h) {
    const char* const given = std::getenv("BERTH_CYCLES");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : h.sessions > 1 ? 8'000 : 20'000;
}

attacked attacked_of(const handed_over& h) { return h.protocol == transport::udp ? attacked::udp : attacked::tcp; }

oracle_protocol seen_as(const handed_over& h) {
    return h.protocol == transport::udp ? oracle_protocol::udp : oracle_protocol::tcp;
}

port_reservation reserve_where_the_kernel_chooses(const handed_over& h) {
    reservation_request request;
    request.protocol = h.protocol, request.family = h.family, request.use = h.use, request.park = h.park;
    request.sessions_per_port = h.sessions;
    failure f;
    for (int i = 0; i < 100; ++i) {
        const int scout = new_socket(AF_INET6, attacked_of(h));
        request.block = {bind_anywhere(scout), ports};
        close(scout);
        if (!request.block.is_valid()) continue;
        auto r = port_reservation::reserve(request, f);
        if (!f) return r;
    }
    throw reservation_error(f);
}

/// What a worker does with a port of each kind. Each use returns whether the port did its work.
class worker {
public:
    explicit worker(const handed_over& h) : kind_(h) {
        if (h.protocol != transport::tcp || h.use != tcp_use::connect) return;
        destination_ = new_socket(AF_INET6, attacked::tcp);
        destination_port_ = bind_anywhere(destination_);
        if (listen(destination_, 64) != 0) throw std::system_error(errno, std::generic_category(), "listen");
    }
    ~worker() { close(destination_); }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    bool use(const bound_port& p) {
        ++uses_;
        const bool odd = uses_ % 2 != 0;
        const loopback from = kind_.family == address_family::ipv4   ? loopback::four
                              : kind_.family == address_family::ipv6 ? loopback::six
                              : uses_ % 4 < 2                        ? loopback::four
                                                                     : loopback::six;
        if (kind_.protocol == transport::udp) return receive_one_datagram(p.io_handle(), from, p.port());
        if (kind_.use == tcp_use::connect) return exchange(p.io_handle(), from, odd);
        return serve_one_client(p.io_handle(), from, p.port(), odd ? closes_first::client : closes_first::server);
    }

private:
    /// Half of the connections are still up at give back, which aborts them; half were ended by the peer, then by us.
    bool exchange(int outbound, loopback to, bool ended) {
        if (to == loopback::four && kind_.family != address_family::ipv4) to = loopback::mapped;
        const int peer = connect_to(outbound, to, destination_port_) ? accept_soon(destination_) : -1;
        const bool spoke = peer >= 0 && carries_one_byte(outbound, peer) && carries_one_byte(peer, outbound);
        char end = 0;
        if (spoke && ended && kind_.sessions > 1 && uses_ % 4 == 3) {  // we first
            shutdown(outbound, SHUT_WR);
            shutdown(peer, wait_readable(peer) && recv(peer, &end, 1, 0) == 0 ? SHUT_WR : SHUT_RD);
        }
        if (spoke && ended) shutdown(peer, SHUT_WR);
        const bool heard = spoke && (!ended || (wait_readable(outbound) && recv(outbound, &end, 1, 0) == 0));
        if (ended) shutdown(outbound, SHUT_WR);
        if (peer >= 0) close(peer);
        return heard;
    }

    handed_over kind_;
    int destination_ = -1;
    std::uint16_t destination_port_ = 0;
    std::uint64_t uses_ = 0;
};

}  // namespace

std::vector<handed_over> in_every_way(transport protocol, tcp_use use) {
    std::vector<handed_over> out;
    for (const parking park : {parking::best, parking::system_calls}) {
        const std::string how = park == parking::best ? "" : "_by_system_calls";
        out.push_back({"ipv4" + how, protocol, use, address_family::ipv4, park});
        out.push_back({"ipv6" + how, protocol, use, address_family::ipv6, park});
        out.push_back({"dual" + how, protocol, use, address_family::dual, park});
    }
    return out;
}

std::vector<handed_over> several_at_once() {
    using enum address_family;
    std::vector<handed_over> out;
    for (const auto& [name, family] : {std::pair{"ipv4_of_several", ipv4}, {"ipv6_of_several", ipv6},
                                       {"dual_of_several", dual}}) {
        out.push_back({name, transport::tcp, tcp_use::connect, family, parking::best, 4});
    }
    return out;
}

void hand_over_under_attack(const handed_over& h) {
    intruder_crew crew(attacked_of(h));
    port_reservation reservation = reserve_where_the_kernel_chooses(h);
    worker at_work(h);
    const std::uint16_t first = reservation.block().first;
    crew.promise_begins();
    crew.attack(first, ports);

    const bool has_window = query_capabilities().hold_tcp != hold_method::repair;
    const auto start = steady::now();
    const auto deadline = start + std::chrono::seconds(50);
    const std::uint64_t least = least_cycles(h);
    std::uint64_t cycles = 0, uses = 0, useless = 0, refused = 0, closed = 0;
    while ((cycles < least || crew.report().rounds < least_rounds || crew.tries() < least) &&
           steady::now() < deadline) {
        for (int i = 0; i < 1000; ++i, ++cycles) {
            error_code ec;
            bound_port p = reservation.take(ec);
            refused += static_cast<bool>(ec);
            crew.changing_hands(p.port());
            if (i % 16 == 0) {
                ++uses;
                useless += !p || !at_work.use(p);
            }
            if (h.sessions > 1 && i % 256 == 255 && p) {
                ++closed;
                close(p.native_handle());
            }
            p.give_back(ec);
            refused += static_cast<bool>(ec);
        }
        ASSERT_TRUE(strangers_on(seen_as(h), first, ports).empty());
        if (closed == 0) continue;
        // A session socket is bound anew: with the window of reserve, unless that was without any. Who gets in then is
        // noticed (left_no_door_test), and no promise broken; what is attacked here is everything else.
        if (has_window) crew.attack(first, 0);
        reservation.reclaim();
        if (has_window) crew.attack(first, ports);
    }
    const std::chrono::duration<double> took = steady::now() - start;
    const intruder_report r = crew.stop();
    std::cout << cycles << " hand-overs of " << h.name << " in " << took.count() << " s ("
              << static_cast<std::uint64_t>(static_cast<double>(cycles) / took.count()) << "/s), " << uses
              << " of them used; " << r;

    EXPECT_GE(cycles, least);
    EXPECT_GE(r.rounds, least_rounds);
    EXPECT_EQ(r.bound, 0u);
    EXPECT_EQ(refused, 0u);
    EXPECT_EQ(useless, 0u) << "of " << uses;
    const reservation_statistics books = reservation.statistics();
    EXPECT_EQ(books.takes, cycles);
    EXPECT_EQ(books.gives_back, cycles);
    EXPECT_EQ(books.condemned, closed);
    EXPECT_EQ(books.renewed, closed);
    EXPECT_EQ(books.ports.available, ports * h.sessions);
}

}  // namespace berth::test
