// A release that overlaps a draw, in each order of their steps that matters: the draw's are taken one by one.
//
// A port that is claimed and not yet confirmed holds the release up where it collects, for as long as the test wants;
// what other draws do meanwhile, and what becomes of the release, is the same in every run.
#include "support/private_member.hpp"
#include "support/simulated_provider.hpp"

#include "port_lane.hpp"
#include "reservation_core.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace berth::test {

struct claims_of_released {
    friend auto member(claims_of_released);
};
struct confirm_of_released {
    friend auto member(confirm_of_released);
};
struct enter_of_released {
    friend auto member(enter_of_released);
};
struct open_of_released {
    friend auto member(open_of_released);
};
struct available_of_released {
    friend auto member(available_of_released);
};

template struct private_member<claims_of_released, &detail::port_lane::claims_>;
template struct private_member<confirm_of_released, &detail::port_lane::confirm>;
template struct private_member<enter_of_released, &detail::port_lane::enter>;
template struct private_member<open_of_released, &detail::port_lane::open>;
template struct private_member<available_of_released, &detail::port_lane::make_available>;

namespace {

using namespace std::chrono_literals;

class release_in_steps : public testing::Test {
protected:
    static constexpr std::uint16_t first = 30000;
    static constexpr std::uint32_t count = 4;

    void SetUp() override {
        reservation_request request;
        request.block = {first, count};
        failure f;
        core = detail::reservation_core::make(kernel, request, f);
        ASSERT_TRUE(core) << f.what;
        lane = core->only_lane();
    }
    void TearDown() override {
        const auto complaints = kernel.complaints();
        EXPECT_TRUE(complaints.empty()) << complaints.front();
    }

    claim::claim_set& claims() { return (*lane).*member(claims_of_released{}); }
    /// The second step of a draw; false: it gave the port back.
    bool confirm(std::uint32_t index) { return ((*lane).*member(confirm_of_released{}))(index); }
    void enter(std::uint32_t index, detail::port_state s) { ((*lane).*member(enter_of_released{}))(index, s); }
    bool open(std::uint32_t index) { return ((*lane).*member(open_of_released{}))(index); }
    void make_available(std::uint32_t index) { ((*lane).*member(available_of_released{}))(index); }

    template <class Condition>
    static bool becomes(Condition condition) {
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            std::this_thread::yield();
        }
        return true;
    }

    /// Begins a release that refuses, which finds nobody and waits for index `held_up`: claimed, and not yet taken.
    std::thread release_waits_for(std::uint32_t held_up) {
        EXPECT_TRUE(claims().claim_given(held_up));
        std::thread releasing([this] { core->release(released, if_taken::refuse); });
        EXPECT_TRUE(becomes([this] { return core->now() == detail::phase::closing; }));
        return releasing;
    }

    /// A whole draw of `most` ports while the release waits: they come back, and the draw hears of the release.
    template <class Draw>
    void overlaps(std::uint32_t most, Draw draw) {
        auto releasing = release_waits_for(0);
        const auto returns = claims().returns();
        error_code ec;
        bool drew = false;
        std::thread drawing([&] { drew = draw(ec); });
        EXPECT_TRUE(becomes([&] { return claims().returns() == returns + most; }))
            << "of a draw of " << most << " ports that found the block closing " << claims().returns() - returns
            << " came back";
        for (std::uint32_t i = 1; i < count; ++i) {  // or the release would wait for what was lost
            if (!claims().claim_given(i)) enter(i, detail::port_state::taken);
            make_available(i);
        }
        EXPECT_FALSE(confirm(0));
        releasing.join();
        drawing.join();
        EXPECT_FALSE(released) << released.what;
        EXPECT_FALSE(drew);
        EXPECT_EQ(ec, errc::reservation_released);
        core.reset();
        EXPECT_EQ(kernel.holders(), 0U);
        EXPECT_EQ(kernel.sockets(), 0U);
    }

    simulated_provider kernel;
    std::shared_ptr<detail::reservation_core> core;
    detail::port_lane* lane = nullptr;
    failure released;
};

TEST_F(release_in_steps, a_draw_that_has_claimed_before_and_looks_after_gives_its_port_back) {
    auto releasing = release_waits_for(1);
    const bool kept = confirm(1);
    EXPECT_FALSE(kept) << "a draw keeps the port of a reservation that is being released";
    if (kept) make_available(1);
    releasing.join();
    EXPECT_FALSE(released) << released.what;
    EXPECT_EQ(core->now(), detail::phase::released);
    core.reset();
    EXPECT_EQ(kernel.holders(), 0U);
}

TEST_F(release_in_steps, a_draw_of_one_finds_the_block_closing) {
    overlaps(1, [this](error_code& ec) { return static_cast<bool>(lane->take(ec)); });
}

TEST_F(release_in_steps, a_draw_of_a_given_port_finds_the_block_closing) {
    overlaps(1, [this](error_code& ec) { return static_cast<bool>(lane->take_port(first + 2, ec)); });
}

TEST_F(release_in_steps, a_draw_of_a_pair_finds_the_block_closing) {
    overlaps(2, [this](error_code& ec) { return static_cast<bool>(lane->take_pair(ec)[0]); });
}

TEST_F(release_in_steps, a_draw_of_a_run_finds_the_block_closing) {
    overlaps(3, [this](error_code& ec) {
        std::array<bound_port, 3> run;
        return lane->take_run(run, 1, ec);
    });
}

TEST_F(release_in_steps, a_draw_that_looked_before_keeps_its_port_and_the_release_puts_all_others_back) {
    constexpr std::uint32_t last = count - 1;
    auto releasing = release_waits_for(last);
    EXPECT_TRUE(becomes([this] { return claims().available() == 0; })) << "it collects what it finds";
    enter(last, detail::port_state::taken);  // as a draw does that saw the reservation held
    ASSERT_TRUE(open(last));
    releasing.join();
    EXPECT_EQ(released.code, errc::reservation_busy) << "a release that refuses ended with a port out";
    EXPECT_EQ(released.count, 1U);
    ASSERT_EQ(core->now(), detail::phase::held);
    EXPECT_EQ(claims().available(), last) << "ports that the release had collected are lost";
    for (std::uint32_t i = 0; i < last; ++i) {
        if (claims().claim_given(i)) claims().put_back(i);
        else make_available(i);  // or the next release would wait for it
    }
    lane->give_back(last, false, false, false);
    core->release(released, if_taken::refuse);
    EXPECT_FALSE(released) << released.what;
    core.reset();
    EXPECT_EQ(kernel.holders(), 0U);
}

}  // namespace
}  // namespace berth::test
