// How a listener_pool begins and ends: refused, stopped, closed, gone in the middle of it.
#include "unit/pool/listener_pool_ground.hpp"

#include <optional>

namespace {

using namespace pool_test;
BERTH_BY_BACKEND(listener_pool_ending);

TEST_P(listener_pool_ending, nothing_is_opened_before_the_start_or_after_the_close) {
    listener_pool pool(ports(2), {&context()});
    error_code ec;
    EXPECT_FALSE(pool.open(0, ec));
    EXPECT_EQ(ec, errc::reservation_released);
    ASSERT_FALSE(start(pool));
    EXPECT_EQ(start(pool), asio::error::already_started);
    EXPECT_FALSE(pool.open(7, ec));
    EXPECT_EQ(ec, errc::invalid_argument) << "there is one shard";
    EXPECT_FALSE(pool.open_pair(7, ec)[0]);
    EXPECT_EQ(ec, errc::invalid_argument);
    pool.close();
    EXPECT_FALSE(pool.open(0, ec));
    EXPECT_EQ(ec, errc::reservation_released);
    EXPECT_THROW(listener_pool(ports(2), std::initializer_list<berth::io_context*>{}), berth::reservation_error);
}

TEST_P(listener_pool_ending, a_start_that_fails_says_why_and_may_be_tried_again) {
    const auto block = free_block(2);
    auto request = ports(2);
    request.block = block;
    listener_pool pool(request, {&context()});
    {
        const auto other = berth::port_reservation::reserve(request);
        EXPECT_EQ(start(pool), errc::block_unavailable);
        EXPECT_NE(pool.failure().what.find("in use"), std::string::npos) << pool.failure().what;
    }
    EXPECT_FALSE(start(pool));
    EXPECT_TRUE(pool.open(0));
}

TEST_P(listener_pool_ending, gone_while_it_starts_or_grows_leaves_nothing) {
    const auto before = descriptors_now();
    for (int turns = 0; turns < 12; turns += 3) {
        std::optional<error_code> said;
        {
            listener_pool pool(ports(64), {&context()}, {.grow_by = 64, .most = 128, .low_water = 64});
            pool.async_start([&](error_code ec) { said = ec; });
            for (int i = 0; i < turns; ++i) context().run_one();
            if (turns >= 9) {
                while (!said) context().run_one();
                pool.open(0);
                for (int i = 0; i < 4; ++i) context().run_one();
            }
        }
        run();
        ASSERT_TRUE(said);
        if (turns < 9) {
            EXPECT_EQ(*said, asio::error::operation_aborted);
        }
        EXPECT_EQ(descriptors_now(), before);
    }
}

TEST_P(listener_pool_ending, a_stop_while_it_starts_ends_both) {
    listener_pool pool(ports(64), {&context()});
    error_code started, stopped = asio::error::fault;
    pool.async_start([&](error_code ec) { started = ec; });
    for (int i = 0; i < 3; ++i) context().run_one();
    pool.async_stop([&](error_code ec) { stopped = ec; });
    run();
    EXPECT_EQ(started, asio::error::operation_aborted);
    EXPECT_FALSE(stopped);
    EXPECT_EQ(pool.statistics().blocks, 0u);
}

}  // namespace
