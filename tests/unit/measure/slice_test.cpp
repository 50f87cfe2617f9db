// The measuring loop: what is timed, what is undone, how slices end, how contestants take turns.
#include "measure/slice.hpp"

#include "measure/interleave.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace berth::bench {
namespace {

void spend(nanoseconds time) {
    for (const nanoseconds end = now() + time; now() < end;) {
    }
}

std::vector<std::uint32_t> samples_of(const recorder& r) {
    std::vector<std::uint32_t> all;
    r.pour_into(all);
    return all;
}

TEST(recorder, negative_times_become_zero_and_long_ones_saturate) {
    recorder r(4);
    r.record(-5);
    r.record(std::int64_t{1} << 40);
    EXPECT_EQ(samples_of(r), (std::vector<std::uint32_t>{0, UINT32_MAX}));
}

TEST(recorder, full_store_keeps_the_largest_and_stays_fair) {
    recorder r(1000);
    for (int i = 0; i < 100'000; ++i) r.record(i == 50'000 ? 1'000'000 : i);
    auto all = samples_of(r);
    EXPECT_EQ(r.seen(), 100'000u);
    EXPECT_EQ(all.size(), 1001u);
    EXPECT_EQ(all.back(), 1'000'000u);
    const distribution d = summarize(all);
    EXPECT_NEAR(d.p50, 50'000, 6'000);  // a store that kept only the first or last thousand would be far off
}

TEST(slice, undoing_is_not_timed) {
    recorder r;
    run_slice(
        {2'000'000, 1}, r, [] { return true; }, [] { spend(200'000); });
    EXPECT_GE(r.seen(), 1u);
    EXPECT_LT(summarize(samples_of(r)).p50, 100'000);
}

TEST(slice, the_operation_is_timed) {
    recorder r;
    run_slice(
        {1'000'000, 3}, r,
        [] {
            spend(100'000);
            return true;
        },
        [] {});
    for (const std::uint32_t sample : samples_of(r)) EXPECT_GE(sample, 100'000u - 1'000u);
}

TEST(slice, failures_are_counted_and_not_undone) {
    recorder r;
    int calls = 0;
    int undone = 0;
    run_slice(
        {200'000, 10}, r, [&] { return ++calls % 2 == 0; }, [&] { ++undone; });
    EXPECT_EQ(r.seen(), static_cast<std::uint64_t>(calls));
    EXPECT_EQ(r.failures() + static_cast<std::uint64_t>(undone), r.seen());
    EXPECT_GT(r.failures(), 0u);
}

TEST(slice, slow_operations_get_enough_samples_but_not_for_ever) {
    std::uint64_t most = 0;
    for (int i = 0; i < 20 && most < 2; ++i) {  // a busy machine may take the time of a slice away
        recorder few;
        run_slice(
            {1'000'000, 1000}, few,
            [] {
                spend(500'000);
                return true;
            },
            [] {});
        EXPECT_LE(few.seen(), 8u);
        most = std::max(most, few.seen());
    }
    EXPECT_GE(most, 2u);
}

TEST(interleave, contestants_take_turns_and_swap_neighbours) {
    std::string order;
    const auto figures = interleave(3, {[&] {
                                            order += 'a';
                                            return 1.0;
                                        },
                                        [&] {
                                            order += 'b';
                                            return 2.0;
                                        }});
    EXPECT_EQ(order, "abbaab");
    EXPECT_EQ(figures[0], (std::vector<double>{1, 1, 1}));
    EXPECT_EQ(figures[1], (std::vector<double>{2, 2, 2}));
}

TEST(interleave, batch_divides_by_its_calls) {
    const double each = batch(20, [](std::uint32_t) { spend(10'000); });
    EXPECT_GE(each, 10'000);
}

}  // namespace
}  // namespace berth::bench
