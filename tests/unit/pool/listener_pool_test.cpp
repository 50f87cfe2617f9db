// listener_pool: endpoints for rooms, cool-down, exhaustion, growth, shards on threads.
#include "unit/pool/listener_pool_ground.hpp"

#include <atomic>
#include <optional>
#include <set>

namespace {

using namespace pool_test;
BERTH_BY_BACKEND(listener_pool_of);

TEST_P(listener_pool_of, two_ports_opens_two_endpoints_that_hear_and_then_says_that_it_has_none) {
    listener_pool pool(ports(2), {&context()});
    ASSERT_FALSE(start(pool)) << pool.failure().what;
    auto one = pool.open(0), two = pool.open(0);
    EXPECT_NE(one.port(), two.port());
    EXPECT_TRUE(hears(one));
    EXPECT_TRUE(hears(two));
    error_code ec;
    EXPECT_FALSE(pool.open(0, ec));
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_THROW(pool.open(0), std::system_error);
    const auto books = pool.statistics();
    EXPECT_EQ(books.ports.open, 2u);
    EXPECT_EQ(books.ports.available, 0u);
    EXPECT_EQ(books.exhausted, 2u);
    EXPECT_EQ(books.blocks, 1u);
}

TEST_P(listener_pool_of, a_room_that_ended_rests_its_port) {
    listener_pool pool(ports(1, 250ms), {&context()});
    ASSERT_FALSE(start(pool));
    std::optional<endpoint> room = pool.open(0);
    const auto port = room->port();
    room.reset();
    EXPECT_EQ(pool.statistics().ports.cooling, 1u);
    error_code ec;
    EXPECT_FALSE(pool.open(0, ec)) << "not before it has rested";
    std::this_thread::sleep_for(270ms);
    room = pool.open(0, ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(room->port(), port);
}

TEST_P(listener_pool_of, pairs_are_even_and_odd) {
    listener_pool pool(ports(16), {&context()});
    ASSERT_FALSE(start(pool));
    error_code ec;
    auto pair = pool.open_pair(0, ec);
    ASSERT_FALSE(ec);
    EXPECT_EQ(pair[0].port() % 2, 0);
    EXPECT_EQ(pair[1].port(), pair[0].port() + 1);
    EXPECT_TRUE(hears(pair[0]) && hears(pair[1]));
}

TEST_P(listener_pool_of, few_ports_grows_before_it_runs_out_and_up_to_its_most) {
    listener_pool pool(ports(8), {&context()}, {.grow_by = 8, .most = 20, .low_water = 4});
    ASSERT_FALSE(start(pool));
    std::vector<endpoint> rooms;
    for (int i = 0; i < 4; ++i) rooms.push_back(pool.open(0));
    run();
    EXPECT_EQ(pool.statistics().blocks, 1u) << "four are left, which is enough";
    rooms.push_back(pool.open(0));
    run();
    EXPECT_EQ(pool.statistics().blocks, 2u);
    EXPECT_EQ(pool.statistics().growths, 1u);
    std::set<std::uint16_t> numbers;
    error_code ec;
    for (;;) {
        auto room = pool.open(0, ec);
        if (ec) break;
        rooms.push_back(std::move(room));
        run();
    }
    EXPECT_EQ(ec, errc::block_exhausted);
    for (auto& room : rooms) {
        EXPECT_TRUE(numbers.insert(room.port()).second);
        EXPECT_TRUE(hears(room));
    }
    EXPECT_EQ(rooms.size(), 20u);
    EXPECT_EQ(pool.statistics().blocks, 3u) << "8 + 8 + 4";
    rooms.clear();
    EXPECT_EQ(pool.statistics().ports.available, 20u);
    EXPECT_TRUE(pool.open(0, ec)) << ec.message();
}

// A socket of berth's that was only used to send and receive is not audited at give back; any other is.
TEST_P(listener_pool_of, what_a_room_did_to_its_socket_does_not_reach_the_next) {
    listener_pool pool(ports(1), {&context()});
    ASSERT_FALSE(start(pool));
    using deed = void (*)(endpoint&);
    const deed deeds[] = {
        [](endpoint&) {},
        [](endpoint& e) { e->set_option(asio::ip::unicast::hops(3)); },
        [](endpoint& e) {
            asio::socket_base::broadcast on(true);
            auto moved = std::move(*e);
            moved.set_option(on);
            *e = std::move(moved);
        },
        [](endpoint& e) {
            system::set_option(e->native_handle(), IPPROTO_IP, IP_TOS, 0x10);
        },
        [](endpoint& e) { e->connect(udp::endpoint(asio::ip::address_v4::loopback(), 9)); },
        [](endpoint& e) {
            const auto handle = e->release();
            system::set_option(handle, IPPROTO_IP, IP_TTL, 7);
            e->assign(udp::v4(), handle);
        },
        [](endpoint& e) {
            e->close();
            e->open(udp::v4());
            e->set_option(asio::ip::unicast::hops(3));
        },
    };
    for (std::size_t i = 0; i < std::size(deeds); ++i) {
        {
            auto room = pool.open(0);
            EXPECT_FALSE(room->was_lent());
            char data[8];
            room->async_receive(asio::buffer(data), [](error_code, std::size_t) {});
            context().run_for(1ms);
            deeds[i](room);
            if (i == 0) {
                EXPECT_FALSE(room->was_lent());
            }
        }
        context().run_for(1ms);
        error_code ec;
        auto next = pool.open(0, ec);
        ASSERT_FALSE(ec) << i << ": " << ec.message();
        EXPECT_TRUE(hears(next)) << i << ": of its old peer alone";
        asio::ip::unicast::hops hops;
        asio::socket_base::broadcast broadcast;
        next->get_option(hops);
        next->get_option(broadcast);
        const int tos = system::option_of(next->native_handle(), IPPROTO_IP, IP_TOS);
        EXPECT_GT(hops.value(), 32) << i;
        EXPECT_FALSE(broadcast.value()) << i;
        EXPECT_EQ(tos, 0) << i;
    }
}

TEST_P(listener_pool_of, shards_open_and_close_side_by_side) {
    shard one(GetParam()), two(GetParam());
    const auto before = descriptors_now();
    {
        listener_pool pool(ports(48), {&one.context(), &two.context()}, {.grow_by = 16, .most = 96, .low_water = 8});
        pool.async_start(asio::use_future).get();
        std::atomic<int> opened{0}, refused{0}, deaf{0};
        const auto work = [&](std::size_t shard) {
            std::vector<endpoint> rooms;
            for (int i = 0; i < 400; ++i) {
                error_code ec;
                auto room = pool.open(shard, ec);
                if (ec) {
                    ++refused;
                    rooms.erase(rooms.begin(), rooms.begin() + static_cast<std::ptrdiff_t>(rooms.size() / 2));
                    continue;
                }
                ++opened;
                if (i % 16 == 0) deaf += !hears(room);
                rooms.push_back(std::move(room));
                if (rooms.size() > 40) rooms.erase(rooms.begin(), rooms.begin() + 30);
            }
        };
        auto first = asio::post(one.context(), asio::use_future([&] { work(0); }));
        auto second = asio::post(two.context(), asio::use_future([&] { work(1); }));
        first.get(), second.get();
        EXPECT_GT(opened, 100);  // the home is at work itself, so the pool cannot grow meanwhile
        EXPECT_EQ(opened + refused, 800);
        EXPECT_EQ(deaf, 0);
        const auto books = pool.statistics();
        EXPECT_EQ(books.ports.open, 0u);
        EXPECT_EQ(books.ports.total(), books.ports.available);
        pool.async_stop(asio::use_future).get();
    }
    EXPECT_EQ(one.there([&] { return descriptors_now(); }), before);
}

}  // namespace
