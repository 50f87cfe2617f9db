// The steps of a reserve, taken one port at a time: each system call of each step fails, each step is the last.
#include "scenario/failing_ground.hpp"

#include "reserve_steps.hpp"
#include "support/simulated_provider.hpp"

#include <cerrno>
#include <iostream>

namespace berth::test {
namespace {

using detail::reserve_steps;

/// All steps, `most` ports at a time; `calls_off` of them before it is called off.
core_pointer reserve_by_steps(platform::port_provider& provider, const reservation_request& request, failure& f,
                              std::uint32_t most = 1, std::uint32_t calls_off = ~0u) {
    reserve_steps steps(provider, request, detail::steady_nanoseconds);
    if (calls_off == 0) steps.cancel();
    while (steps.advance(most)) {
        if (--calls_off == 0) steps.cancel();
    }
    f = std::move(steps.why());
    return steps.take_core();
}

class each_step : public testing::TestWithParam<way> {};

TEST_P(each_step, fails_at_each_of_its_calls_and_leaves_nothing) {
    const auto block = free_block(1);
    failing_calls os;
    platform::linux_provider provider(os);
    const auto before = descriptors_now();
    std::uint64_t attempts = 0;
    for (std::uint32_t n = 0;; ++n) {
        ASSERT_LT(n, 5000U) << "it never gets through";
        failure f;
        os.fail(n, EMFILE);
        const auto core = reserve_by_steps(provider, request_for(GetParam(), block), f);
        os.fail_no_more();
        const std::string where = os.failed() + " was call " + std::to_string(n) + ": " + f.what;
        ++attempts;
        EXPECT_EQ(static_cast<bool>(f), core == nullptr) << where;
        if (core) {
            failure released;
            core->release(released, if_taken::refuse);
            EXPECT_FALSE(released) << where;
        } else {
            EXPECT_FALSE(f.what.empty()) << where;
            ASSERT_EQ(descriptors_now(), before) << where;
            if (n % 16 == 15) {
                ASSERT_EQ(sockets_of_both(block), 0U) << where;
            }
        }
        if (os.failed().empty()) break;
    }
    EXPECT_EQ(descriptors_now(), before);
    std::cout << attempts << " attempts\n";
}

TEST_P(each_step, may_be_the_last) {
    const auto block = free_block(3);
    const auto before = descriptors_now();
    for (std::uint32_t n = 0;; ++n) {
        ASSERT_LT(n, 1000U);
        failure f;
        const auto core = reserve_by_steps(platform::system_provider(), request_for(GetParam(), block), f, 1, n);
        if (core) {
            EXPECT_FALSE(f);
            core->release(f, if_taken::refuse);
            EXPECT_GE(n, 5u);
            break;
        }
        EXPECT_EQ(f.code, errc::operation_aborted);
        ASSERT_EQ(descriptors_now(), before) << n;
    }
    EXPECT_EQ(sockets_of_both(block), 0U);
}

// Destroyed instead of called off, as by a context that ends.
TEST_P(each_step, may_be_the_last_by_destruction) {
    const auto block = free_block(3);
    const auto before = descriptors_now();
    bool is_over = false;
    for (std::uint32_t n = 0; !is_over; ++n) {
        ASSERT_LT(n, 1000U);
        {
            reserve_steps steps(platform::system_provider(), request_for(GetParam(), block),
                                detail::steady_nanoseconds);
            for (std::uint32_t i = 0; i < n && !is_over; ++i) is_over = !steps.advance(1);
            if (is_over) {
                failure f;
                steps.take_core()->release(f, if_taken::refuse);
            }
        }
        ASSERT_EQ(descriptors_now(), before) << n;
    }
    EXPECT_EQ(sockets_of_both(block), 0U);
}

TEST(steps, of_a_wildcard_that_races_let_go_before_they_choose_again) {
    simulated_provider kernel;
    for (std::uint32_t p = 1; p < 65536; ++p) {
        if ((p >= 40000 && p < 40008) || (p >= 50000 && p < 50008)) continue;
        kernel.occupy(false, static_cast<std::uint16_t>(p));
    }
    kernel.occupy(false, 40003, true);
    reservation_request request;
    request.block.count = 8;
    for (int round = 0; round < 8; ++round) {
        reserve_steps steps(kernel, request, detail::steady_nanoseconds);
        while (steps.advance(1)) EXPECT_LE(kernel.holders(), 8U) << "two runs held at once";
        EXPECT_FALSE(steps.why()) << steps.why().what;
        const auto core = steps.take_core();
        ASSERT_TRUE(core);
        EXPECT_EQ(core->block(), (port_block{50000, 8}));
        failure f;
        core->release(f, if_taken::refuse);
    }
    EXPECT_EQ(kernel.holders(), 0U);
    EXPECT_TRUE(kernel.complaints().empty());
}

const auto name_it = testing::PrintToStringParamName();
INSTANTIATE_TEST_SUITE_P(of, each_step, testing::ValuesIn(all_ways()), name_it);

}  // namespace
}  // namespace berth::test
