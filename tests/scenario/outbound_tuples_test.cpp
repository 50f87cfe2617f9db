// Tuples over their life with a real kernel: full, closed by either side first, aborted, in TIME_WAIT, beside takes.
#include "scenario/outbound_ground.hpp"
#include "support/oracle.hpp"

#include <berth/io_context.hpp>

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <set>
#include <thread>

namespace {

using namespace outbound_test;
using berth::bound;
using berth::tcp_socket;

class outbound_tuples : public testing::Test {
protected:
    bound<tcp_socket> connect(port_reservation& ports, const endpoint& to) {
        auto b = ports.connect<tcp_socket>(context_.get_executor(), to, ec_);
        EXPECT_FALSE(ec_) << ec_.message();
        return b;
    }
    // The ways a connection ends; `b` is given back afterwards.
    void end_by_us(world& w, bound<tcp_socket>& b, std::uint32_t n = 0) {
        b->shutdown(asio::ip::tcp::socket::shutdown_send);
        EXPECT_TRUE(sees_end(w.connection(b.port(), n)));
        w.close(b.port(), n);
        char byte = 0;
        EXPECT_EQ(b->receive(asio::buffer(&byte, 1), 0, ec_), 0u);
    }
    void end_by_them(world& w, bound<tcp_socket>& b, std::uint32_t n = 0) {
        w.close(b.port(), n);
        char byte = 0;
        EXPECT_EQ(b->receive(asio::buffer(&byte, 1), 0, ec_), 0u);
        b->shutdown(asio::ip::tcp::socket::shutdown_send, ec_);
    }
    void reset_by_them(world& w, bound<tcp_socket>& b, std::uint32_t n = 0) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ASSERT_EQ(::setsockopt(w.connection(b.port(), n), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
        end_by_them(w, b, n);
    }

    berth::io_context context_;
    error_code ec_;
};

TEST_F(outbound_tuples, a_full_block_has_one_owner_for_each_tuple) {
    constexpr std::uint32_t count = 64, destinations = 100;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit all{before.rlim_max, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &all), 0);
    if (before.rlim_max < 2 * count * destinations + 500) GTEST_SKIP() << "too few descriptors may be open";
    world w;
    auto ports = reserve(count, destinations);
    ASSERT_EQ(ports.statistics().ports.available, count * destinations);
    const auto start = std::chrono::steady_clock::now();
    std::vector<bound<tcp_socket>> up;
    for (std::uint32_t i = 0; i < count * destinations; ++i) {
        up.push_back(connect(ports, w.at(i % destinations)));
        ASSERT_FALSE(ec_) << i;
        if (i % 500 == 0) {
            ASSERT_TRUE(w.accept_all());
        }
    }
    ASSERT_TRUE(w.accept_all()) << "a tuple had two owners";
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << up.size() << " connections up in " << took.count() << " s\n";

    // From outside: who connected, and what the kernel has on these ports.
    ASSERT_EQ(w.size(), count * destinations);
    EXPECT_EQ(w.by_port().size(), count);
    for (const auto& [port, connections] : w.by_port()) {
        EXPECT_EQ(connections, destinations) << port;
        EXPECT_TRUE(ports.block().contains(port));
    }
    std::uint32_t established = 0;
    for (const auto& s : berth::test::own_on(berth::test::oracle_protocol::tcp, ports.block().first, count)) {
        established += s.state == 1;
    }
    EXPECT_EQ(established, count * destinations);
    EXPECT_TRUE(berth::test::strangers_on(berth::test::oracle_protocol::tcp, ports.block().first, count).empty());
    const auto books = ports.statistics();
    EXPECT_EQ(books.ports.open, count * destinations);
    EXPECT_EQ(books.outbound.in_use, count * destinations);
    EXPECT_EQ(books.outbound.destinations, destinations);
    EXPECT_EQ(books.outbound.draws, count * destinations) << "one connect each";

    static_cast<void>(ports.connect<tcp_socket>(context_.get_executor(), w.at(0), ec_));
    EXPECT_EQ(ec_, errc::block_exhausted);
    w.close_all();
    up.clear();
    EXPECT_EQ(ports.statistics().ports.available, count * destinations);
    EXPECT_EQ(ports.statistics().outbound.destinations, 0u);
    ::setrlimit(RLIMIT_NOFILE, &before);
}

// With timestamps a reconnect is at once, whoever closed first.
TEST_F(outbound_tuples, whoever_ends_it_the_one_tuple_connects_again_at_once) {
    world w;
    auto ports = reserve(1, 1);
    for (int round = 0; round < 6; ++round) {
        SCOPED_TRACE(round);
        auto b = connect(ports, w.at());
        ASSERT_FALSE(ec_);
        ASSERT_TRUE(w.accept_all());
        switch (round % 4) {
            case 0:
                end_by_us(w, b);
                break;
            case 1:
                end_by_them(w, b);
                break;
            case 2:
                reset_by_them(w, b);
                break;
            default:
                break;  // up: an abort
        }
        b.give_back(ec_);
    }
    EXPECT_EQ(ports.statistics().outbound.met_taken, 0u);
    EXPECT_EQ(ports.statistics().condemned, 0u);
}

TEST_F(outbound_tuples, without_timestamps_what_we_ended_rests_and_the_next_port_is_tried) {
    const setting off("tcp_timestamps", 0);
    if (!off) GTEST_SKIP() << "no network namespace of its own, or tcp_timestamps may not be changed here";
    world w;
    auto ports = reserve(2, 2);
    std::set<std::uint16_t> used;
    for (int i = 0; i < 2; ++i) {
        auto b = connect(ports, w.at());
        ASSERT_TRUE(w.accept_all());
        used.insert(b.port());
        if (i == 0) end_by_us(w, b);
        b.give_back(ec_);
        if (i == 0) {  // until the other one is drawn: at random either, and the one in TIME_WAIT is refused
            while (ports.statistics().outbound.met_taken == 0) {
                auto other = connect(ports, w.at());
                ASSERT_NE(other.port(), *used.begin());
                ASSERT_TRUE(w.accept_all());
            }
        }
    }
    EXPECT_EQ(used.size(), 2u);
    EXPECT_EQ(ports.statistics().outbound.resting, 1u);
    EXPECT_EQ(ports.statistics().outbound.destinations, 1u);
    auto b = connect(ports, w.at());
    EXPECT_FALSE(ports.connect<tcp_socket>(context_.get_executor(), w.at(), ec_)) << "one rests, the other is up";
    EXPECT_EQ(ec_, errc::block_exhausted);
    auto elsewhere = connect(ports, w.at(1));
    EXPECT_FALSE(ec_) << "it rests for one destination alone";
    EXPECT_EQ(ports.statistics().outbound.met_taken, 1u) << "asked once";
    ASSERT_TRUE(w.accept_all());
    end_by_them(w, b);  // their TIME_WAIT is none of ours
    b.give_back(ec_);
    b = connect(ports, w.at());
    EXPECT_EQ(ports.statistics().outbound.met_taken, 1u);
}

// A route, and no address of ours to speak from: EADDRNOTAVAIL as well, and no tuple's fault.
TEST_F(outbound_tuples, without_an_address_of_its_own_it_hears_the_systems_error_and_nothing_rests) {
    if (std::getenv("BERTH_OWN_NAMESPACE") == nullptr) GTEST_SKIP() << "no network namespace of its own";
    auto ports = reserve(4, 1, address_family::ipv6);
    const no_ipv6_address away;
    if (!away) GTEST_SKIP() << "the loopback's address may not be taken away here";
    const endpoint to(asio::ip::make_address("2001:db8::1"), 80);
    EXPECT_FALSE(ports.connect<tcp_socket>(context_.get_executor(), to, ec_));
    EXPECT_EQ(ec_.value(), EADDRNOTAVAIL) << ec_.message();
    EXPECT_EQ(ports.statistics().outbound.draws, 1u);
    EXPECT_EQ(ports.statistics().outbound.resting, 0u);
    EXPECT_EQ(ports.statistics().ports.available, 4u);
}

TEST_F(outbound_tuples, a_taken_port_that_its_owner_connects_is_refused_once_and_goes_round) {
    world w;
    auto ports = reserve(2, 2);
    const std::uint16_t first = ports.block().first;
    auto taken = ports.take_port(first, ec_);
    ASSERT_TRUE(taken) << ec_.message();
    auto second = ports.take_port(first, ec_);
    ASSERT_TRUE(second) << "it has two session sockets";
    EXPECT_EQ(second.port(), first);
    EXPECT_FALSE(ports.take_port(first, ec_));
    EXPECT_EQ(ec_, errc::port_taken);
    second.give_back(ec_);
    ASSERT_EQ(::connect(taken.io_handle(), w.at().data(), static_cast<socklen_t>(w.at().size())) == 0 ||
                  errno == EINPROGRESS,
              true);
    ASSERT_TRUE(w.accept_all());
    for (int i = 0; i < 20; ++i) {
        const auto b = connect(ports, w.at());
        ASSERT_FALSE(ec_);
        EXPECT_EQ(b.port(), first + 1);
        ASSERT_TRUE(w.accept_all());
    }
    EXPECT_EQ(ports.statistics().outbound.met_taken, 1u);
}

TEST_F(outbound_tuples, a_socket_closed_behind_our_back_is_replaced_and_its_port_goes_on) {
    world w;
    auto ports = reserve(1, 2);
    auto kept = connect(ports, w.at(0));
    {
        auto b = connect(ports, w.at(1));
        ASSERT_TRUE(w.accept_all());
        b->close(ec_);
    }
    EXPECT_EQ(ports.statistics().ports.condemned, 1u);
    w.close(ports.block().first, 1);
    for (int i = 0; i < 100 && ports.reclaim() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(ports.statistics().ports.available, 1u);
    EXPECT_EQ(ports.statistics().renewed, 1u);
    auto b = connect(ports, w.at(2));
    ASSERT_TRUE(w.accept_all());
    EXPECT_NE(w.connection(ports.block().first, 0), -1);
    EXPECT_NE(w.connection(ports.block().first, 2), -1);
}

TEST_F(outbound_tuples, a_release_that_detaches_leaves_each_connection_and_the_port_ends_with_the_last) {
    world w;
    auto ports = reserve(1, 3);
    const std::uint16_t first = ports.block().first;
    auto a = connect(ports, w.at(0)), b = connect(ports, w.at(1));
    ASSERT_TRUE(w.accept_all());
    berth::failure f;
    ports.release(f);
    EXPECT_EQ(f.code, errc::reservation_busy);
    EXPECT_EQ(f.count, 2u);
    ports.release(berth::if_taken::detach);
    using berth::test::oracle_protocol;
    EXPECT_EQ(berth::test::own_on(oracle_protocol::tcp, first).size(), 3u) << "the holder and two connections";
    a.give_back(ec_);
    EXPECT_EQ(berth::test::own_on(oracle_protocol::tcp, first).size(), 2u);
    EXPECT_EQ(b->send(asio::buffer("on", 2)), 2u);
    b.give_back(ec_);
    EXPECT_TRUE(berth::test::own_on(oracle_protocol::tcp, first).empty());
}

TEST_F(outbound_tuples, threads_share_few_tuples_and_none_has_two_owners) {
    const char* const given = std::getenv("BERTH_TUPLES");
    const int rounds = given != nullptr ? static_cast<int>(std::strtol(given, nullptr, 10)) : 1500;
    constexpr std::uint32_t count = 3, destinations = 3;
    world w;
    auto ports = reserve(count, 2);
    std::atomic<int> owners[count][destinations]{};
    std::atomic<int> twice{0}, connected{0}, failed{0};
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < 3; ++t) {
        threads.emplace_back([&, t] {
            berth::io_context mine;
            for (int i = 0; i < rounds; ++i) {
                const std::uint32_t n = (static_cast<std::uint32_t>(i) + t) % destinations;
                error_code ec;
                auto b = ports.connect<tcp_socket>(mine.get_executor(), w.at(n), ec);
                if (ec) {
                    failed += ec != errc::block_exhausted;
                    continue;
                }
                auto& owner = owners[b.port() - ports.block().first][n];
                twice += owner.fetch_add(1) != 0;
                ++connected;
                owner.fetch_sub(1);
            }
        });
    }
    std::thread accepting([&] {
        while (!over) w.accept_all(), w.close_all();
    });
    for (auto& t : threads) t.join();
    over = true;
    accepting.join();
    EXPECT_EQ(twice, 0);
    EXPECT_EQ(failed, 0);
    EXPECT_GT(connected, rounds);
    const auto books = ports.statistics();
    EXPECT_EQ(books.ports.available, count * 2);
    EXPECT_EQ(books.outbound.in_use, 0u);
    EXPECT_EQ(books.outbound.met_taken, 0u) << "the kernel had none of them in use either";
}

}  // namespace
