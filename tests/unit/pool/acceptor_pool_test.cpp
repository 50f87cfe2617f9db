// acceptor_pool and shared_listener: one port, several shards, every client served or told.
#include "unit/pool/accepting_ground.hpp"

#include <atomic>

namespace {

using namespace pool_test;
using berth::errc;
using berth::shared_listener;

/// Greets each client of one acceptor with a byte, and closes.
struct greeter {
    berth::tcp_acceptor& door;
    std::atomic<int>& greeted;
    std::chrono::microseconds each = 0us;  // that a client takes
    void next() {
        door.async_accept([this](error_code ec, berth::tcp_socket client) {
            if (ec) return;
            ++greeted;
            error_code ignored;
            client.send(asio::buffer("!", 1), 0, ignored);
            std::this_thread::sleep_for(each);
            next();
        });
    }
};

BERTH_BY_BACKEND(acceptor_pool_of);

TEST_P(acceptor_pool_of, opens_a_listener_for_one_shard) {
    acceptor_pool pool(listening_ports(2), {&context()});
    ASSERT_FALSE(start(pool)) << pool.failure().what;
    auto door = pool.open(0);
    std::atomic<int> greeted{0};
    greeter host{*door, greeted};
    host.next();
    const auto client = client_of(door.port());
    context().run_for(20ms);
    EXPECT_EQ(end_of_client(client, 1s), served::yes);
    system::close_socket(client);
    error_code ec;
    door.give_back(ec);
    run();
    EXPECT_EQ(pool.statistics().ports.available, 2u);
}

TEST_P(acceptor_pool_of, one_port_is_served_by_every_shard_and_nothing_is_set_to_share_it) {
    shard one(GetParam()), two(GetParam());
    acceptor_pool pool(listening_ports(2), {&one.context(), &two.context()});
    pool.async_start(asio::use_future).get();
    auto listener = pool.open_on_all();
    ASSERT_EQ(listener.size(), 2u);
    std::atomic<int> greeted[2] = {};
    greeter hosts[2] = {{listener.acceptor(0), greeted[0], 200us}, {listener.acceptor(1), greeted[1], 200us}};
    for (int i = 0; i < 2; ++i) {
        EXPECT_FALSE(
            system::shares_its_port(listener.acceptor(static_cast<std::size_t>(i)).native_handle()));
        EXPECT_EQ(listener.acceptor(static_cast<std::size_t>(i)).local_endpoint().port(), listener.port());
    }
    one.there([&] { hosts[0].next(); });
    two.there([&] { hosts[1].next(); });
    constexpr int clients = 600, at_once = 20;
    int yes = 0;
    for (int i = 0; i < clients / at_once; ++i) {
        std::vector<system::socket_handle> fds;
        for (int k = 0; k < at_once; ++k) fds.push_back(client_of(listener.port()));
        for (const auto fd : fds) {
            yes += end_of_client(fd, 5s) == served::yes;
            system::close_socket(fd);
        }
    }
    EXPECT_EQ(yes, clients);
    EXPECT_EQ(greeted[0] + greeted[1], clients);
    EXPECT_GT(greeted[0], clients / 20);
    EXPECT_GT(greeted[1], clients / 20);
    std::cout << greeted[0] << " and " << greeted[1] << " clients\n";
    listener.async_close(asio::use_future).get();
    EXPECT_FALSE(listener);
    EXPECT_EQ(pool.statistics().ports.available, 2u) << "at once: all descriptors were its own";
}

// Two shards greet; in the midst of it the listener is closed, then the pool.
TEST_P(acceptor_pool_of, closed_while_clients_come_in_leaves_none_of_them_in_the_dark) {
    shard one(GetParam()), two(GetParam());
    acceptor_pool pool(listening_ports(1), {&one.context(), &two.context()});
    pool.async_start(asio::use_future).get();
    auto listener = pool.open_on_all();
    const auto port = listener.port();
    std::atomic<int> greeted[2] = {};
    greeter hosts[2] = {{listener.acceptor(0), greeted[0]}, {listener.acceptor(1), greeted[1]}};
    one.there([&] { hosts[0].next(); });
    two.there([&] { hosts[1].next(); });

    std::atomic<bool> stop{false};
    std::vector<system::socket_handle> fds;
    std::thread visitors([&] {
        while (!stop && fds.size() < 3000) {
            fds.push_back(client_of(port));
            std::this_thread::sleep_for(100us);
        }
    });
    while (greeted[0] + greeted[1] < 200) std::this_thread::sleep_for(1ms);
    listener.async_close(asio::use_future).get();
    std::this_thread::sleep_for(10ms);
    stop = true;
    visitors.join();
    pool.close();  // who knocked at the silenced port hears now that nobody is there
    int outcomes[5] = {};
    for (const auto fd : fds) {
        ++outcomes[static_cast<int>(end_of_client(fd, 5s))];
        system::close_socket(fd);
    }
    EXPECT_EQ(outcomes[static_cast<int>(served::silent)], 0);
    EXPECT_EQ(outcomes[static_cast<int>(served::yes)], greeted[0] + greeted[1]) << "who was accepted was greeted";
    std::cout << fds.size() << " clients: " << outcomes[0] << " greeted, " << outcomes[1] << " reset, " << outcomes[2]
              << " refused, " << outcomes[3] << " closed\n";
}

TEST_P(acceptor_pool_of, the_port_comes_back_and_serves_again) {
    acceptor_pool pool(listening_ports(1), {&context(), &context()});
    ASSERT_FALSE(start(pool));
    std::uint16_t port = 0;
    for (int round = 0; round < 5; ++round) {
        error_code ec;
        auto listener = pool.open_on_all(ec);
        ASSERT_FALSE(ec) << ec.message();
        if (port == 0) port = listener.port();
        EXPECT_EQ(listener.port(), port);
        EXPECT_FALSE(pool.open_on_all(ec));
        EXPECT_EQ(ec, errc::block_exhausted);
        std::atomic<int> greeted{0};
        greeter host{listener.acceptor(static_cast<std::size_t>(round % 2)), greeted};
        host.next();
        const auto client = client_of(port);
        while (greeted == 0) context().run_one();
        EXPECT_EQ(end_of_client(client, 1s), served::yes);
        system::close_socket(client);
        shared_listener moved(std::move(listener));
        EXPECT_FALSE(listener);
        bool closed = false;
        moved.async_close([&](error_code e) { closed = !e; });
        EXPECT_FALSE(closed) << "never from inside the call";
        run();
        EXPECT_TRUE(closed);
        moved.close();
        moved.async_close([&](error_code e) { closed = static_cast<bool>(e); });  // once more
        run();
        EXPECT_FALSE(closed);
        EXPECT_FALSE(moved);
        run();
        EXPECT_EQ(pool.statistics().ports.available, 1u);
    }
}

TEST_P(acceptor_pool_of, a_descriptor_taken_out_of_its_acceptor_keeps_the_port) {
    acceptor_pool pool(listening_ports(1), {&context(), &context()});
    ASSERT_FALSE(start(pool));
    auto listener = pool.open_on_all();
    const auto mine = listener.acceptor(1).release();
    listener.close();
    EXPECT_EQ(pool.statistics().ports.draining, 1u);
    error_code ec;
    EXPECT_FALSE(pool.open(0, ec)) << "it could still accept";
    system::close_socket(mine);
    EXPECT_TRUE(pool.open(0, ec)) << ec.message();
}

}  // namespace
