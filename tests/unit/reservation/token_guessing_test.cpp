// What a guesser can learn of reservation tokens: nothing from those he has, nothing from how long a look-up takes.
#include "platform/random_bytes.hpp"
#include "reservation_core.hpp"
#include "support/simulated_provider.hpp"
#include "token_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <vector>

namespace berth::test {
namespace {

std::shared_ptr<detail::reservation_core> guessed(simulated_provider& kernel) {
    failure f;
    reservation_request request;
    request.block = {30000, 1};
    request.protocol = transport::udp;
    auto core = detail::reservation_core::make(kernel, request, f);
    EXPECT_TRUE(core) << f.what;
    return core;
}

void end_of(const std::shared_ptr<detail::reservation_core>& core) {
    failure f;
    core->release(f, if_taken::detach);
    EXPECT_FALSE(f) << f.what;
}

// Seven standard deviations: by chance one run in some ten thousand million says no.
constexpr int guesses = 2000, even = guesses / 2, spread = 160;

TEST(guessing_a_token, is_not_helped_by_those_that_came_before) {
    simulated_provider kernel;
    std::array<int, 64> set{}, changed{};
    std::uint64_t last = 0;
    for (int i = 0; i < guesses; ++i) {
        const auto core = guessed(kernel);
        ASSERT_TRUE(core);
        const std::uint64_t bits = core->token().value();
        for (std::size_t bit = 0; bit < 64; ++bit) {
            set[bit] += static_cast<int>(bits >> bit & 1);
            changed[bit] += static_cast<int>((bits ^ last) >> bit & 1);
        }
        last = bits;
        end_of(core);
    }
    for (std::size_t bit = 0; bit < 64; ++bit) {
        EXPECT_NEAR(set[bit], even, spread) << "bit " << bit << " is not random";
        EXPECT_NEAR(changed[bit], even, spread) << "bit " << bit << " follows from the token before";
    }
}

TEST(guessing_a_token, nought_is_none_even_if_the_table_had_it_and_the_first_of_two_is_found) {
    simulated_provider kernel;
    const auto first = guessed(kernel);
    ASSERT_TRUE(first);
    detail::token_table table;
    table.add(first, reservation_token());
    EXPECT_EQ(table.find(reservation_token()), nullptr);
    table.add(first, reservation_token(7));
    simulated_provider another;
    const auto second = guessed(another);
    table.add(second, reservation_token(7));
    EXPECT_EQ(table.find(reservation_token(7)), first);
    end_of(first);
    end_of(second);
}

TEST(guessing_a_token, is_not_helped_by_the_time_that_a_look_up_takes) {
    using clock = std::chrono::steady_clock;
    simulated_provider kernel;
    const auto core = guessed(kernel);
    ASSERT_TRUE(core);
    detail::token_table table;
    std::vector<std::uint64_t> known(4000);
    berth::platform::random_bytes(known.data(), known.size() * sizeof known.front());
    for (const auto bits : known) table.add(core, reservation_token(bits));
    // The first, the last, one that differs from the first in its last bit, and one of nobody's.
    const std::array<std::uint64_t, 4> asked{known.front(), known.back(), known.front() ^ 1, ~known.front()};
    std::array<clock::duration, 4> least;
    least.fill(clock::duration::max());
    for (int round = 0; round < 300; ++round) {
        for (std::size_t i = 0; i < asked.size(); ++i) {
            const auto began = clock::now();
            const auto found = table.find(reservation_token(asked[i]));
            least[i] = std::min(least[i], clock::now() - began);
            ASSERT_EQ(found != nullptr, i < 2);
        }
    }
    const auto [quickest, slowest] = std::minmax_element(least.begin(), least.end());
    EXPECT_LT(*slowest, *quickest * 2) << "a look-up that ends early tells how much of the table it saw";
    end_of(core);
}

}  // namespace
}  // namespace berth::test
