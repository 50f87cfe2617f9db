// All or nothing: reserve fails at every step that it takes, one after the other, and nothing is left half-held.
//
// A step is a prepare, one port held, or a seal. What a failure says, and which wildcard runs are tried again, is
// shown here too; the same with the kernel's own refusals is in scenario/descriptors_run_out_test.cpp.
#include "support/simulated_provider.hpp"

#include "reservation_core.hpp"
#include "token_table.hpp"
#include "wildcard.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace berth::test {
namespace {

using core_pointer = std::shared_ptr<detail::reservation_core>;

reservation_request asked(std::uint16_t first, std::uint32_t count, transport protocol = transport::udp) {
    reservation_request r;
    r.block = {first, count};
    r.protocol = protocol;
    return r;
}

core_pointer reserve(simulated_provider& kernel, const reservation_request& r, failure& f) {
    return detail::reservation_core::make(kernel, r, f);
}

void let_go(const core_pointer& core) {
    failure f;
    core->release(f, if_taken::detach);
}

TEST(reserving, fails_at_every_step_without_leaving_a_port_held) {
    for (const auto protocol : {transport::udp, transport::tcp, transport::tcp_and_udp}) {
        for (std::uint32_t n = 0;; ++n) {
            ASSERT_LT(n, 100U) << "it never succeeds";
            simulated_provider kernel;
            kernel.fail_step(n, errc::too_many_files);
            failure f;
            const auto core = reserve(kernel, asked(30000, 5, protocol), f);
            if (core) {
                EXPECT_EQ(n, protocol == transport::tcp_and_udp ? 14U : 7U) << "a step was not seen to fail";
                EXPECT_FALSE(f) << f.what;
                let_go(core);
                break;
            }
            EXPECT_EQ(f.code, errc::too_many_files) << n;
            EXPECT_FALSE(f.what.empty());
            EXPECT_EQ(kernel.holders(), 0U) << n;
            EXPECT_EQ(kernel.sockets(), 0U) << n;
            EXPECT_TRUE(kernel.complaints().empty());
        }
    }
}

TEST(reserving, a_block_with_a_strange_port_anywhere_is_refused_whole_and_the_port_named) {
    for (std::uint16_t at = 0; at < 4; ++at) {
        simulated_provider kernel;
        kernel.occupy(true, static_cast<std::uint16_t>(30000 + at));
        failure f;
        EXPECT_EQ(reserve(kernel, asked(30000, 4, transport::tcp_and_udp), f), nullptr);
        EXPECT_EQ(f.code, errc::block_unavailable);
        EXPECT_NE(f.what.find(std::to_string(30000 + at)), std::string::npos) << f.what;
        EXPECT_EQ(kernel.holders(), 0U);
    }
}

TEST(reserving, the_second_protocol_in_use_lets_go_of_the_first) {
    simulated_provider kernel;
    kernel.occupy(false, 30002);  // UDP comes after TCP
    failure f;
    EXPECT_EQ(reserve(kernel, asked(30000, 4, transport::tcp_and_udp), f), nullptr);
    EXPECT_EQ(f.code, errc::block_unavailable);
    EXPECT_EQ(kernel.holders(), 0U);
    EXPECT_TRUE(kernel.is_free(true, 30000));
}

TEST(reserving, overlapping_blocks_are_refused_and_neighbours_are_not) {
    simulated_provider kernel;
    failure f;
    const auto core = reserve(kernel, asked(30000, 4), f);
    ASSERT_TRUE(core);
    for (const auto& [first, count] : {std::pair{29999, 2}, {30003, 1}, {30000, 4}, {29990, 100}}) {
        EXPECT_EQ(reserve(kernel, asked(static_cast<std::uint16_t>(first), static_cast<std::uint32_t>(count)), f),
                  nullptr);
        EXPECT_EQ(f.code, errc::block_unavailable);
        EXPECT_EQ(kernel.holders(), 4U);
    }
    for (const std::uint16_t first : {std::uint16_t{29998}, std::uint16_t{30004}}) {
        const auto other = reserve(kernel, asked(first, 2), f);
        ASSERT_TRUE(other) << f.what;
        let_go(other);
    }
    EXPECT_TRUE(reserve(kernel, asked(30000, 4, transport::tcp), f)) << "other protocol, other ports";
    let_go(core);
}

TEST(reserving, a_wildcard_goes_around_ports_that_are_taken_while_it_binds) {
    simulated_provider kernel;
    // Only two runs of 8 are left, and bind finds an unseen stranger in one of them.
    for (std::uint32_t p = 1; p < 65536; ++p) {
        if ((p >= 40000 && p < 40008) || (p >= 50000 && p < 50008)) continue;
        kernel.occupy(false, static_cast<std::uint16_t>(p));
    }
    kernel.occupy(false, 40003, true);
    for (int round = 0; round < 8; ++round) {  // whichever run is tried first
        failure f;
        const auto core = reserve(kernel, asked(0, 8), f);
        ASSERT_TRUE(core) << f.what;
        EXPECT_EQ(core->block(), (port_block{50000, 8}));
        EXPECT_EQ(kernel.holders(), 8U);
        let_go(core);
        EXPECT_EQ(kernel.holders(), 0U);
    }
}

TEST(reserving, a_wildcard_that_finds_no_run_says_how_many_ports_it_sought) {
    simulated_provider kernel;
    for (std::uint32_t p = 7; p < 65536; p += 8) kernel.occupy(false, static_cast<std::uint16_t>(p));
    failure f;
    EXPECT_EQ(reserve(kernel, asked(0, 8), f), nullptr);
    EXPECT_EQ(f.code, errc::block_unavailable);
    EXPECT_EQ(f.count, 8U);
    EXPECT_NE(f.what.find("8"), std::string::npos);
    const auto core = reserve(kernel, asked(0, 7), f);
    ASSERT_TRUE(core) << "runs of seven there are: " << f.what;
    let_go(core);
}

TEST(reserving, a_wildcard_is_not_tried_again_for_what_another_run_would_not_cure) {
    simulated_provider kernel;
    kernel.fail_step(3, errc::too_many_files);
    failure f;
    EXPECT_EQ(reserve(kernel, asked(0, 8), f), nullptr);
    EXPECT_EQ(f.code, errc::too_many_files);
    EXPECT_EQ(kernel.steps(), 4U) << "tried on";
    EXPECT_EQ(kernel.holders(), 0U);
}

TEST(reserving, a_wildcard_for_both_protocols_has_the_same_numbers_free_in_both) {
    simulated_provider kernel;
    for (std::uint32_t p = 1; p < 65536; ++p) {
        const bool tcp_free = p >= 40000 && p < 40010, udp_free = p >= 40006 && p < 40016;
        if (!tcp_free) kernel.occupy(true, static_cast<std::uint16_t>(p));
        if (!udp_free) kernel.occupy(false, static_cast<std::uint16_t>(p));
    }
    failure f;
    const auto core = reserve(kernel, asked(0, 4, transport::tcp_and_udp), f);
    ASSERT_TRUE(core) << f.what;
    EXPECT_EQ(core->block(), (port_block{40006, 4}));
    EXPECT_EQ(core->statistics().ports.available, 8U) << "each protocol counts";
    error_code ec;
    EXPECT_EQ(core->only_lane(), nullptr);
    auto tcp = core->lane(transport::tcp)->take(ec);
    auto same = core->lane(transport::udp)->take_port(tcp.port(), ec);
    EXPECT_EQ(tcp.port(), same.port()) << "drawn apart";
    tcp.give_back(ec), same.give_back(ec);
    let_go(core);
}

TEST(reserving, what_cannot_be_is_refused_before_the_first_step) {
    simulated_provider kernel;
    const auto with = [](auto change) {
        auto r = asked(30000, 1);
        change(r);
        return r;
    };
    const std::pair<reservation_request, errc> all[] = {
        {asked(30000, 0), errc::invalid_argument},
        {asked(0, 0), errc::invalid_argument},
        {asked(65535, 2), errc::invalid_argument},
        {asked(1, 65536), errc::invalid_argument},
        {asked(2, 4294967295u), errc::invalid_argument},
        {asked(0, 65536), errc::invalid_argument},
        {asked(30000, 1, static_cast<transport>(0)), errc::invalid_argument},
        {asked(30000, 1, static_cast<transport>(4)), errc::invalid_argument},
        {with([](auto& r) { r.backlog = 0; }), errc::invalid_argument},
        {with([](auto& r) { r.cool_down = std::chrono::milliseconds(-1); }), errc::invalid_argument},
        {with([](auto& r) { r.silence = std::chrono::milliseconds(-1); }), errc::invalid_argument},
        {with([](auto& r) {
             r.family = address_family::ipv6, r.address = asio::ip::make_address("127.0.0.1");
         }),
         errc::family_mismatch}};
    for (const auto& [r, code] : all) {
        failure f;
        const auto core = reserve(kernel, r, f);
        ASSERT_FALSE(core) << r.block.count << " ports from " << r.block.first;  // the next could be sought for ever
        EXPECT_EQ(f.code, code) << f.what;
        EXPECT_FALSE(f.what.empty());
    }
    EXPECT_EQ(kernel.steps(), 0U);
}

TEST(reserving, the_last_port_is_a_port) {
    simulated_provider kernel;
    failure f;
    const auto core = reserve(kernel, asked(65534, 2), f);
    ASSERT_TRUE(core) << f.what;
    error_code ec;
    auto last = core->only_lane()->take_port(65535, ec);
    EXPECT_EQ(last.port(), 65535);
    EXPECT_FALSE(core->only_lane()->take_port(0, ec));
    EXPECT_EQ(ec, errc::port_outside_block) << "nothing wraps around";
    last.give_back(ec);
    let_go(core);
}

// Which of the two lanes a draw means is said, or it is none.
TEST(reserving, of_both_protocols_each_draw_names_one) {
    simulated_provider kernel;
    failure f;
    const auto core = reserve(kernel, asked(30000, 2, transport::tcp_and_udp), f);
    ASSERT_TRUE(core) << f.what;
    auto both = detail::reservation_core::wrap(core);
    error_code ec;
    EXPECT_FALSE(both.take(transport::tcp_and_udp, ec));
    EXPECT_EQ(ec, errc::protocol_mismatch);
    EXPECT_FALSE(both.take(ec));
    EXPECT_EQ(ec, errc::invalid_argument);
    for (const auto one : {transport::tcp, transport::udp}) EXPECT_TRUE(both.take(one, ec)) << ec.message();
    let_go(core);
}

TEST(tokens, name_their_reservation_until_its_release_and_nothing_else) {
    auto& table = detail::token_table::instance();
    simulated_provider kernel;
    failure f;
    const auto one = reserve(kernel, asked(30000, 1), f), two = reserve(kernel, asked(30001, 1), f);
    EXPECT_NE(one->token(), two->token());
    EXPECT_EQ(table.find(one->token()), one);
    EXPECT_EQ(table.find(two->token()), two);
    EXPECT_EQ(table.find(reservation_token()), nullptr);
    for (int bit = 0; bit < 64; ++bit) {
        EXPECT_EQ(table.find(reservation_token(one->token().value() ^ (std::uint64_t{1} << bit))), nullptr);
    }
    error_code ec;
    auto out = std::make_unique<bound_port>(one->only_lane()->take(ec));
    const auto is_held = [&] {  // else nobody knows the port any more, and its end would wait for ever
        if (kernel.holders() == 2) return true;
        static_cast<void>(out.release());
        return false;
    };
    one->release(f, if_taken::refuse);
    ASSERT_TRUE(is_held()) << "a release that is to refuse closes a socket that is out";
    EXPECT_EQ(f.code, errc::reservation_busy);
    EXPECT_EQ(table.find(one->token()), one) << "a refused release ends nothing";
    one->release(f, if_taken::detach);
    ASSERT_TRUE(is_held()) << "a release that detaches closes a socket that is out";
    EXPECT_EQ(table.find(one->token()), nullptr) << "detached, but released";
    EXPECT_EQ(table.find(two->token()), two);
    out->give_back(ec);
    let_go(two);
}

TEST(tokens, are_never_zero_and_never_the_same_twice) {
    simulated_provider kernel;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 2000; ++i) {
        failure f;
        const auto core = reserve(kernel, asked(30000, 1), f);
        ASSERT_TRUE(core);
        EXPECT_TRUE(core->token());
        EXPECT_TRUE(seen.insert(core->token().value()).second);
        let_go(core);
    }
}

}  // namespace
}  // namespace berth::test
