// The heap of a shard: who may draw from it, who may give back, and what happens when it is gone.
#include <berth/shard_allocator.hpp>
#include <berth/shards.hpp>
#include <berth/steady_timer.hpp>

#include "memory/memory_source.hpp"
#include "unit/memory/on_shard.hpp"

#include <asio/bind_executor.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <future>
#include <list>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using berth::io_context;
using berth::shard_allocator;
using berth::shards;

/// Many sizes, each block full of its own byte.
std::vector<std::vector<char, shard_allocator<char>>> some_blocks() {
    std::vector<std::vector<char, shard_allocator<char>>> blocks;
    for (std::size_t i = 1; i < 2000; ++i) {
        blocks.emplace_back(i * 7 % 5000 + 1, static_cast<char>(i), shard_allocator<char>());
    }
    return blocks;
}
template <class Blocks>
bool are_whole(const Blocks& blocks) {
    char byte = 0;
    for (const auto& block : blocks) {
        ++byte;
        for (const char c : block) {
            if (c != byte) return false;
        }
    }
    return true;
}

TEST(shard_memory, memory_outlives_its_heap_its_thread_and_its_shard) {
    decltype(some_blocks()) blocks;
    {
        shards one({.count = 1});
        one.start();
        blocks = on_shard(one, 0, some_blocks);
        one.stop();
        one.join();
        EXPECT_TRUE(are_whole(blocks)) << "its heap is deleted";
    }
    auto more = some_blocks();
    EXPECT_TRUE(are_whole(blocks));
    EXPECT_TRUE(are_whole(more));
}

TEST(shard_memory, memory_is_given_back_by_other_threads_while_the_shard_draws_more) {
    shards two({.count = 2});
    two.start();
    for (int round = 0; round < 20; ++round) {
        auto blocks = on_shard(two, 0, some_blocks);
        std::thread other([&, mine = on_shard(two, 1, some_blocks)] { EXPECT_TRUE(are_whole(mine)); });
        on_shard(two, 1, [moved = std::move(blocks)]() mutable {
            EXPECT_TRUE(are_whole(moved));
            moved.clear();
            return 0;
        });
        other.join();
    }
}

TEST(shard_memory, a_context_may_be_run_by_one_thread_after_another_and_by_none) {
    shards one({.count = 1});
    std::vector<std::vector<char, shard_allocator<char>>> kept;
    const auto draw = [&](int n) {
        kept.emplace_back(300, static_cast<char>(n), shard_allocator<char>(one[0]));
        berth::steady_timer timer(one[0], 1ms);  // and operation memory, there and back
        timer.async_wait([](berth::error_code) {});
    };
    one.start();
    on_shard(one, 0, [&] { return draw(1), 0; });
    draw(2);  // not its thread
    one.stop();
    one.join();
    draw(3);  // no heap any more
    for (int n = 4; n < 8; ++n) {
        std::thread([&] {
            one[0].restart();
            asio::post(one[0], [&] { draw(n); });
            one[0].run_for(20ms);
        }).join();
    }
    one.start();  // another heap, of another thread
    on_shard(one, 0, [&] { return draw(8), 0; });
    one.stop();
    one.join();
    ASSERT_EQ(kept.size(), 8u);
    for (std::size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i][299], static_cast<char>(i + 1));
}

TEST(shard_memory, any_two_allocators_are_equal_because_all_memory_goes_back_one_way) {
    io_context one, two;
    EXPECT_TRUE(shard_allocator<int>(one) == shard_allocator<char>(two));
    std::list<int, shard_allocator<int>> from_one(3, 7, shard_allocator<int>(one));
    std::list<int, shard_allocator<int>> from_two{shard_allocator<int>(two)};
    from_two.splice(from_two.begin(), from_one);
    EXPECT_EQ(from_two.size(), 3u);
}

TEST(shard_memory, a_size_that_is_too_large_is_bad_alloc) {
    io_context context;
    shard_allocator<std::uint64_t> allocator(context);
    EXPECT_THROW((void)allocator.allocate(~std::size_t{0} / 4), std::bad_alloc);
}

TEST(memory_source, what_is_used_is_said_in_words) {
    const auto& reason = io_context::memory_reason();
    if (berth::detail::the_memory_source().has_heaps) {
        EXPECT_NE(reason.find("mimalloc"), std::string::npos) << reason;
    } else {
        EXPECT_NE(reason.find("operator new"), std::string::npos) << reason;
    }
    RecordProperty("memory_reason", reason);
}

TEST(memory_source, a_library_that_cannot_be_had_leaves_operator_new_and_says_why) {
    const auto source = berth::detail::choose_memory_source("libthere_is_no_such_thing.so.9");
    EXPECT_FALSE(source.has_heaps);
    EXPECT_NE(source.reason.find("operator new"), std::string::npos) << source.reason;
    EXPECT_EQ(source.make_heap, nullptr);
    void* const memory = source.allocate(100);
    std::memset(memory, 1, 100);
    source.free(memory);
}

TEST(memory_source, a_library_that_is_something_else_is_refused_by_name) {
    const auto source = berth::detail::choose_memory_source("libm.so.6");
    EXPECT_FALSE(source.has_heaps);
    if (berth::io_context::memory_reason().find("operator new") != 0) {
        EXPECT_NE(source.reason.find("mi_version"), std::string::npos) << source.reason;
    }
}

}  // namespace
