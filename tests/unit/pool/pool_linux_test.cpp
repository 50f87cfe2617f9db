// Pools where descriptors have a limit, and what Linux' kernel has left of them.
#include <sys/resource.h>
#include <unistd.h>

#include "support/oracle.hpp"
#include "unit/pool/accepting_ground.hpp"
#include "unit/pool/listener_pool_ground.hpp"

namespace {

using namespace pool_test;
using namespace berth::test;

std::size_t limit_of_descriptors(std::size_t soft) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const auto before = limit.rlim_cur;
    limit.rlim_cur = soft;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    return before;
}

std::size_t sockets_of_both(berth::port_block b) {
    return sockets_on(oracle_protocol::tcp, b.first, b.count).size() +
           sockets_on(oracle_protocol::udp, b.first, b.count).size();
}

TEST_P(accept_each, ends_when_there_is_no_descriptor_left_and_misses_nobody) {
    const auto one = client_of(port_), two = client_of(port_);
    const auto before = limit_of_descriptors(descriptors_now() + 20);
    std::vector<int> fill;
    for (int fd = 0; (fd = ::dup(one)) >= 0;) fill.push_back(fd);
    door_->async_accept_each(handler());
    for (int i = 0; i < 100 && ends_.empty(); ++i) context().run_one_for(10ms);
    for (const int fd : fill) ::close(fd);
    limit_of_descriptors(before);
    ASSERT_EQ(ends_.size(), 1u);
    EXPECT_EQ(ends_[0], asio::error::no_descriptors) << ends_[0].message();
    door_->async_accept_each(handler());
    until_there_are(2);
    door_->close();
    run();
    ::close(one), ::close(two);
}

TEST_P(acceptor_pool_of, without_descriptors_shares_nothing_and_loses_nothing) {
    std::vector<berth::io_context*> eight(8, &context());
    acceptor_pool pool(listening_ports(1), eight);
    ASSERT_FALSE(start(pool));
    for (std::size_t room = 0; room < 8; ++room) {
        const auto before = limit_of_descriptors(descriptors_now() + 20);
        std::vector<int> fill;
        for (int fd = 0; (fd = ::dup(0)) >= 0;) fill.push_back(fd);
        for (std::size_t i = 0; i < room; ++i) ::close(fill[i]);
        error_code ec;
        const auto listener = pool.open_on_all(ec);
        for (std::size_t i = room; i < fill.size(); ++i) ::close(fill[i]);
        limit_of_descriptors(before);
        EXPECT_FALSE(listener) << room;
        EXPECT_TRUE(ec == errc::too_many_files || ec == asio::error::no_descriptors) << ec.message();
        const auto retry = pool.open_on_all(ec);
        EXPECT_FALSE(ec) << room << ": " << ec.message();
    }
    run();
    EXPECT_EQ(pool.statistics().ports.total(), 1u);
}

TEST_P(listener_pool_of, a_block_that_is_refused_later_is_told_and_the_pool_goes_on) {
    listener_pool pool(ports(2), {&context()}, {.grow_by = 500, .most = 1000, .low_water = 2});
    ASSERT_FALSE(start(pool));
    const auto before = limit_of_descriptors(descriptors_now() + 50);
    auto room = pool.open(0);
    run();
    limit_of_descriptors(before);
    EXPECT_EQ(pool.statistics().growths_refused, 1u);
    EXPECT_EQ(pool.failure().code, errc::too_many_files);
    EXPECT_NE(pool.failure().what.find("RLIMIT_NOFILE"), std::string::npos) << pool.failure().what;
    auto other = pool.open(0);
    run();
    EXPECT_EQ(pool.statistics().blocks, 1u) << "not tried again at once";
    EXPECT_TRUE(hears(other));
}

TEST_P(listener_pool_ending, stop_waits_for_the_rooms_and_leaves_nothing) {
    const auto block = free_block(4);
    auto request = ports(4, 10s);  // ports that rest are nobody's
    request.block = block;
    listener_pool pool(request, {&context()});
    ASSERT_FALSE(start(pool));
    std::optional<endpoint> room = pool.open(0), other = pool.open(0);
    other.reset();
    bool stopped = false;
    pool.async_stop([&](error_code ec) {
        EXPECT_FALSE(ec);
        stopped = true;
    });
    EXPECT_FALSE(stopped);
    context().run_for(30ms);
    EXPECT_FALSE(stopped) << "a room is open";
    error_code ec;
    EXPECT_FALSE(pool.open(0, ec)) << "but no new one";
    EXPECT_TRUE(hears(*room));
    room.reset();
    run();
    EXPECT_TRUE(stopped);
    EXPECT_EQ(sockets_of_both(block), 0u);
}

TEST_P(listener_pool_ending, closed_lets_the_rooms_live_to_their_end) {
    const auto block = free_block(4);
    auto request = ports(4);
    request.block = block;
    std::optional<endpoint> room;
    {
        listener_pool pool(request, {&context()});
        ASSERT_FALSE(start(pool));
        room = pool.open(0);
        pool.close();
    }
    run();
    EXPECT_TRUE(hears(*room));
    EXPECT_EQ(sockets_of_both(block), 2u) << "its socket and its holder";
    room.reset();
    EXPECT_EQ(sockets_of_both(block), 0u);
}

}  // namespace
