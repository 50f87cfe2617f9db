// Every provider keeps the contract of port_provider.hpp: what a session socket hears, how it is parked, lent,
// renewed.
#include "conformance/provider_world.hpp"

#include <numeric>

namespace provider_contract {

std::vector<named_by> port_provider_contract::named(held_block& block, std::uint32_t count) {
    std::vector<std::uint32_t> indices(count);
    std::iota(indices.begin(), indices.end(), 0u);
    std::vector<named_by> names;
    block.find_named(indices, {}, names);
    return names;
}

void port_provider_contract::condemn(held_block& block, std::uint32_t index) {
    ASSERT_FALSE(open(block, index));
    world_->close_behind(block, index);
    block.lose(index);
}

namespace {

TEST_P(port_provider_contract, open_lets_in_what_comes_after_and_nothing_from_before) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(2);
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(is_deaf(*block, 0), "") << "round " << round;
        ASSERT_FALSE(open(*block, 0));
        EXPECT_EQ(hears(*block, 0), "") << "round " << round;
        EXPECT_EQ(is_deaf(*block, 1), "") << "its neighbour stays parked";
        EXPECT_FALSE(block->park(0, false).condemned);
    }
}

TEST_P(port_provider_contract, park_empties_counts_and_silences) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(1);
    for (const bool lent : {false, true, false}) {
        ASSERT_FALSE(open(*block, 0));
        const std::uint32_t left = world_->leave_unread(block->session(0), port(0));
        const auto parked = block->park(0, lent);
        EXPECT_FALSE(parked.condemned) << "lent: " << lent;
        EXPECT_EQ(parked.discarded, left) << "lent: " << lent;
        EXPECT_EQ(is_deaf(*block, 0), "") << "lent: " << lent;
        EXPECT_EQ(open(*block, 0), error_code());
        EXPECT_EQ(hears(*block, 0), "") << "lent: " << lent;
        EXPECT_FALSE(block->park(0, false).condemned);
    }
}

TEST_P(port_provider_contract, the_session_socket_keeps_descriptor_and_cookie_while_it_is_fit) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(2);
    const auto session = block->session(0);
    const auto cookie = block->cookie(0);
    EXPECT_NE(session, -1);
    EXPECT_NE(cookie, 0u);
    EXPECT_NE(block->cookie(1), cookie);
    EXPECT_NE(block->session(1), session);
    for (int round = 0; round < 2; ++round) {
        ASSERT_FALSE(open(*block, 0));
        socket_facts facts;
        ASSERT_FALSE(provider().inspect(block->session(0), facts));
        EXPECT_EQ(facts.cookie, cookie);
        EXPECT_TRUE(facts.is_bound);
        EXPECT_FALSE(block->park(0, world_->keeps_lent_sockets()).condemned);
        EXPECT_EQ(block->session(0), session);
        EXPECT_EQ(block->cookie(0), cookie);
    }
}

TEST_P(port_provider_contract, a_lent_socket_comes_back_as_new_or_condemned) {
    BERTH_ONLY_IF_IT_RESERVES();
    if (!world_->has_options()) GTEST_SKIP() << "sockets of this world have no options";
    const auto block = seal(1);
    ASSERT_FALSE(open(*block, 0));
    ASSERT_FALSE(world_->option_is_changed(block->session(0)));
    world_->change_option(block->session(0));
    ASSERT_TRUE(world_->option_is_changed(block->session(0)));
    EXPECT_EQ(hears(*block, 0), "");
    if (block->park(0, true).condemned) {
        ASSERT_EQ(block->renew(0), renewal::renewed);
    }
    EXPECT_FALSE(world_->option_is_changed(block->session(0)));
    ASSERT_FALSE(open(*block, 0));
    EXPECT_EQ(hears(*block, 0), "");
}

TEST_P(port_provider_contract, a_number_that_names_another_file_now_is_condemned_and_that_file_left_alone) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(1);
    ASSERT_FALSE(open(*block, 0));
    const auto number = block->session(0);
    const auto other = world_->swap_in(*block, 0);
    if (!other) GTEST_SKIP() << "descriptors of this world are never given out twice";
    const auto inode = provider().inode_of(number);
    EXPECT_TRUE(block->park(0, true).condemned);
    EXPECT_EQ(provider().inode_of(number), inode);
    EXPECT_EQ(block->renew(0), renewal::renewed);
    EXPECT_EQ(provider().inode_of(number), inode);
    EXPECT_NE(block->session(0), number);
    ASSERT_FALSE(open(*block, 0));
    EXPECT_EQ(hears(*block, 0), "");
}

TEST_P(port_provider_contract, a_duplicate_is_another_descriptor_of_the_same_socket) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(1);
    ASSERT_FALSE(open(*block, 0));
    error_code ec = errc::system_failure;
    const native_socket copy = block->duplicate(0, ec);
    ASSERT_FALSE(ec);
    EXPECT_NE(copy, block->session(0));
    EXPECT_EQ(provider().inode_of(copy), provider().inode_of(block->session(0)));
    socket_facts facts;
    ASSERT_FALSE(provider().recognise(copy, facts));
    EXPECT_EQ(facts.cookie, block->cookie(0));
    EXPECT_EQ(world_->hears(copy, port(0)), "");
    EXPECT_FALSE(provider().close(copy));
    EXPECT_NE(provider().inode_of(block->session(0)), 0u) << "the block's own stays";
}

TEST_P(port_provider_contract, hand_over_puts_the_session_socket_under_the_callers_number) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(1);
    ASSERT_FALSE(open(*block, 0));
    const native_socket target = world_->make_socket();
    if (world_->has_options()) world_->change_option(target);
    failure f;
    block->hand_over(0, target, f);
    ASSERT_FALSE(f) << f.what;
    socket_facts facts;
    ASSERT_FALSE(provider().recognise(target, facts));
    EXPECT_EQ(facts.cookie, block->cookie(0));
    EXPECT_TRUE(facts.is_bound);
    if (world_->has_options()) {
        EXPECT_TRUE(world_->option_is_changed(target)) << "carried over";
    }
    EXPECT_EQ(world_->hears(target, port(0)), "");
    EXPECT_EQ(named(*block, 1).front(), named_by::descriptor);
    EXPECT_FALSE(provider().close(target));
    EXPECT_FALSE(block->park(0, true).condemned);
    if (world_->has_options()) {
        EXPECT_FALSE(world_->option_is_changed(block->session(0))) << "as new";
    }
}

TEST_P(port_provider_contract, hand_over_refuses_an_option_that_cannot_be_carried) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(1);
    ASSERT_FALSE(open(*block, 0));
    const native_socket target = world_->make_socket();
    socket_facts before, after;
    ASSERT_FALSE(provider().inspect(target, before));
    if (!world_->make_unacceptable(target)) {
        EXPECT_FALSE(provider().close(target));
        GTEST_SKIP() << "sockets of this world have no options";
    }
    failure f;
    block->hand_over(0, target, f);
    EXPECT_EQ(f.code, errc::option_refused);
    EXPECT_FALSE(f.what.empty());
    ASSERT_FALSE(provider().inspect(target, after));
    EXPECT_EQ(after.cookie, before.cookie) << "the caller's socket is what it was";
    EXPECT_FALSE(after.is_bound);
    EXPECT_EQ(hears(*block, 0), "") << "and so is the session socket";
    EXPECT_FALSE(provider().close(target));
}

TEST_P(port_provider_contract, find_named_tells_a_descriptor_from_an_event_queue_from_nobody) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(3);
    EXPECT_EQ(named(*block, 3), std::vector<named_by>(3, named_by::nobody)) << "the block's own do not count";
    for (std::uint32_t i = 0; i < 3; ++i) ASSERT_FALSE(open(*block, i));
    error_code ec;
    const native_socket copy = block->duplicate(0, ec);
    ASSERT_FALSE(ec);
    auto queue = world_->name_by_queue(*block, 1, port(1));
    const auto by_queue = queue ? named_by::event_queue : named_by::nobody;
    EXPECT_EQ(named(*block, 3), (std::vector<named_by>{named_by::descriptor, by_queue, named_by::nobody}));
    EXPECT_FALSE(provider().close(copy));
    queue.reset();
    EXPECT_EQ(named(*block, 3), std::vector<named_by>(3, named_by::nobody));
}

TEST_P(port_provider_contract, renew_gives_a_fresh_parked_socket_once_the_last_copy_is_closed) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(2);
    const auto cookie = block->cookie(0);
    error_code ec;
    const native_socket copy = block->duplicate(0, ec);
    ASSERT_FALSE(ec);
    condemn(*block, 0);
    EXPECT_EQ(block->session(0), -1);
    EXPECT_EQ(block->renew(0), renewal::still_named);
    EXPECT_EQ(block->renew(0), renewal::still_named) << "still condemned";
    EXPECT_EQ(world_->who_gets_in(port(0)), "") << "the holder keeps the number";
    ASSERT_FALSE(provider().close(copy));
    EXPECT_EQ(world_->who_gets_in(port(0)), "") << "the holder alone keeps the number";
    ASSERT_EQ(block->renew(0), renewal::renewed);
    EXPECT_NE(block->session(0), -1);
    EXPECT_NE(block->cookie(0), cookie) << "a cookie is never given out twice";
    EXPECT_EQ(world_->who_gets_in(port(0)), "");
    EXPECT_EQ(is_deaf(*block, 0), "") << "it is parked";
    ASSERT_FALSE(open(*block, 0));
    EXPECT_EQ(hears(*block, 0), "");
    EXPECT_EQ(world_->who_gets_in(port(0)), "");
    EXPECT_FALSE(block->park(0, true).condemned);
    ASSERT_FALSE(open(*block, 0));
    const auto left = world_->leave_unread(block->session(0), port(0));
    EXPECT_EQ(block->park(0, true).discarded, left);
    EXPECT_EQ(is_deaf(*block, 0), "");
}

TEST_P(port_provider_contract, heard_grows_with_every_packet_for_a_parked_port_and_by_nothing_else) {
    BERTH_ONLY_IF_IT_RESERVES();
    if (!world_->counts_what_it_hears()) {
        GTEST_SKIP() << "packets for a TCP socket that does not listen are refused before they belong to a socket";
    }
    const auto block = seal(2);
    for (int round = 0; round < 2; ++round) {  // parked from the start, parked again
        auto before = block->heard(0);
        const auto neighbour = block->heard(1);
        EXPECT_EQ(block->heard(0), before);
        for (int packets = 0; packets < 3; ++packets) {
            EXPECT_EQ(is_deaf(*block, 0), "");
            const auto now = block->heard(0);
            EXPECT_GT(now - before, 0u);
            EXPECT_LT(now - before, 1000u) << "modulo 2^32 it grew";
            before = now;
        }
        EXPECT_EQ(block->heard(1), neighbour);
        ASSERT_FALSE(open(*block, 0));
        EXPECT_EQ(hears(*block, 0), "");
        EXPECT_FALSE(block->park(0, false).condemned);
    }
}

}  // namespace
}  // namespace provider_contract
