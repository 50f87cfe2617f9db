// Shards run, stop, throw and are pinned as shards.hpp says, on each backend.
#include <berth/shards.hpp>
#include <berth/steady_timer.hpp>

#include <asio/post.hpp>

#include <atomic>
#include <future>
#include <set>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;
using berth::shards;

class shards_by_backend : public by_backend {
protected:
    berth::shards_options some(std::size_t count) { return {.count = count, .context = {.backend = GetParam()}}; }
};
BERTH_BY_BACKEND(shards_by_backend);

TEST_P(shards_by_backend, each_shard_is_one_thread_and_knows_its_number) {
    shards three(some(3));
    EXPECT_EQ(three.current(), shards::npos);
    three.start();
    std::set<std::thread::id> threads;
    for (std::size_t i = 0; i < three.size(); ++i) {
        std::promise<std::pair<std::size_t, std::thread::id>> said;
        asio::post(three[i], [&] { said.set_value({three.current(), std::this_thread::get_id()}); });
        const auto [number, thread] = said.get_future().get();
        EXPECT_EQ(number, i);
        threads.insert(thread);
    }
    EXPECT_EQ(threads.size(), 3u);
    three.stop();
    three.join();
}

TEST_P(shards_by_backend, shards_of_others_are_not_ones_own) {
    shards one(some(1)), other(some(1));
    one.start();
    std::promise<std::size_t> said;
    asio::post(one[0], [&] { said.set_value(other.current()); });
    EXPECT_EQ(said.get_future().get(), shards::npos);
}

TEST_P(shards_by_backend, a_shard_without_work_goes_on) {
    shards one(some(1));
    one.start();
    std::this_thread::sleep_for(20ms);
    std::promise<void> ran;
    asio::post(one[0], [&] { ran.set_value(); });
    EXPECT_EQ(ran.get_future().wait_for(5s), std::future_status::ready);
}

TEST_P(shards_by_backend, run_makes_the_caller_shard_zero_until_somebody_stops_them) {
    shards two(some(2));
    std::atomic<std::size_t> at_zero{7};
    const auto me = std::this_thread::get_id();
    asio::post(two[0], [&] {
        EXPECT_EQ(std::this_thread::get_id(), me);
        at_zero = two.current();
        asio::post(two[1], [&] { two.stop(); });
    });
    two.run();
    EXPECT_EQ(at_zero, 0u);
    EXPECT_EQ(two.current(), shards::npos) << "not a shard any more";
}

TEST_P(shards_by_backend, what_a_handler_throws_stops_all_and_comes_out_of_join_once) {
    shards two(some(2));
    two.start();
    asio::post(two[1], [] { throw std::runtime_error("the first"); });
    try {
        two.join();
        FAIL() << "swallowed";
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "the first");
    }
    EXPECT_NO_THROW(two.join());
}

TEST_P(shards_by_backend, they_start_again_after_join_and_not_before) {
    shards two(some(2));
    two.start();
    EXPECT_THROW(two.start(), std::logic_error);
    two.stop();
    two.join();
    two.start();
    std::promise<void> ran;
    asio::post(two[1], [&] { ran.set_value(); });
    EXPECT_EQ(ran.get_future().wait_for(5s), std::future_status::ready);
}

TEST_P(shards_by_backend, what_waits_when_they_end_is_destroyed_with_them) {
    auto token = std::make_shared<int>(0);
    {
        shards one(some(1));
        berth::steady_timer timer(one[0], 1h);
        timer.async_wait([token](error_code) {});
        one.start();
        EXPECT_EQ(token.use_count(), 2);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TEST_P(shards_by_backend, no_count_means_the_processors_of_this_process) {
    EXPECT_EQ(shards(some(0)).size(), berth::detail::usable_processors().size());
}

TEST_P(shards_by_backend, a_pinned_shard_may_use_one_processor) {
    auto options = some(2);
    options.pin = true;
    shards two(options);
    const auto before = berth::detail::usable_processors();
    two.start();
    for (std::size_t i = 0; i < 2; ++i) {
        std::promise<std::vector<std::uint32_t>> said;
        asio::post(two[i], [&] { said.set_value(berth::detail::usable_processors()); });
        EXPECT_EQ(said.get_future().get(), std::vector{before[i % before.size()]});
        EXPECT_EQ(two.pin_failure(i), "");
    }
    EXPECT_EQ(berth::detail::usable_processors(), before) << "the caller's own are as they were";
}

TEST(processors, one_that_is_not_there_is_refused_in_words) {
    const auto before = berth::detail::usable_processors();
    std::string why_not;
    EXPECT_FALSE(berth::detail::use_processors({9999}, why_not));
    EXPECT_NE(why_not.find("processor 9999"), std::string::npos) << why_not;
    EXPECT_FALSE(berth::detail::use_processors({1U << 20}, why_not));
    EXPECT_EQ(berth::detail::usable_processors(), before);
}

}  // namespace
