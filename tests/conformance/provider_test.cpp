// Every provider keeps the contract of port_provider.hpp: facts, refusals, holding, sealing and letting go.
//
// One suite for all siblings; what one cannot show is skipped with its reason. The rest of the suite is in
// provider_session_test.cpp (open, park, lend, renew) and provider_sockets_test.cpp (callers' sockets).
#include "conformance/provider_world.hpp"
#include "wildcard.hpp"

#include <random>
#include <thread>

namespace provider_contract {

hold_request port_provider_contract::ask(std::uint32_t count) {
    port_map map;
    provider().survey(world_->kind(), map);
    auto request = world_->usual_request();
    std::random_device random;
    const auto first = berth::detail::choose_run(map, count, true, std::uint64_t{random()} << 32 | random());
    EXPECT_TRUE(first) << "no free run of " << count << " ports";
    request.block = {.first = first_ = first.value_or(1024), .count = count};
    return request;
}

// Ports of a wildcard block can be lost to somebody else between survey and hold, where namespaces are shared.
std::unique_ptr<held_block> port_provider_contract::seal(std::uint32_t count) {
    failure f;
    for (int attempt = 0; attempt < 10; ++attempt) {
        auto block = provider().prepare(ask(count), f = {});
        while (block && !f && block->held() < count) block->hold(count, f);
        if (block && !f) block->seal(f);
        if (!f) return block;
        if (f.code != errc::block_unavailable) break;
    }
    throw std::runtime_error("no block could be made: " + f.what);
}

namespace {

TEST_P(port_provider_contract, a_block_is_prepared_empty_or_refused_in_words) {
    failure f;
    if (reserves()) {
        const auto block = provider().prepare(ask(4), f);
        ASSERT_NE(block, nullptr) << f.what;
        EXPECT_FALSE(f);
        EXPECT_EQ(block->held(), 0u);
        EXPECT_GT(block->bytes_per_port(), 0u);
        for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(world_->is_free(port(i)));
        return;
    }
    auto request = world_->usual_request();
    request.block = {.first = 40000, .count = 4};
    EXPECT_EQ(provider().prepare(request, f), nullptr);
    EXPECT_EQ(f.code, errc::operation_not_supported);
    EXPECT_FALSE(f.what.empty());
}

TEST_P(port_provider_contract, facts_claim_what_is_there_and_a_refusing_provider_claims_nothing) {
    const auto facts = provider().facts(world_->usual_request().park);
    EXPECT_FALSE(facts.provider.empty());
    if (reserves()) {
        EXPECT_GT(facts.descriptor_limit, 0u);
        return;
    }
    EXPECT_FALSE(facts.check_sees_bound_sockets);
    EXPECT_EQ(facts.park_udp, berth::park_method::none);
    EXPECT_EQ(facts.park_tcp_listen, berth::park_method::none);
    EXPECT_FALSE(facts.limits.empty()) << "nothing is silently missing";
    error_code ec;
    EXPECT_EQ(provider().network_namespace(ec), 0u);
    EXPECT_FALSE(ec);
    socket_facts out;
    EXPECT_EQ(provider().inspect(-1, out), errc::operation_not_supported);
    EXPECT_EQ(provider().recognise(-1, out), errc::operation_not_supported);
    EXPECT_EQ(provider().close(-1), errc::operation_not_supported);
    EXPECT_EQ(provider().inode_of(0), 0u);
    std::vector<bool> named;
    provider().find_named(std::vector<std::uint64_t>{1, 2}, named);
    EXPECT_EQ(named, (std::vector<bool>{true, true})) << "true if in doubt";
    port_map map;
    provider().survey(world_->kind(), map);
    EXPECT_EQ(std::count(map.used.begin(), map.used.end(), true), 0);
}

TEST_P(port_provider_contract, what_can_be_refused_before_the_first_bind_is_refused_there) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto refusals = world_->requests_to_refuse();
    if (refusals.empty()) GTEST_SKIP() << "this world has no address, privilege or limit to refuse for";
    for (auto [request, code] : refusals) {
        request.block = ask(2).block;
        failure f;
        EXPECT_EQ(provider().prepare(request, f), nullptr);
        EXPECT_EQ(f.code, code) << f.what;
        EXPECT_FALSE(f.what.empty());
    }
}

TEST_P(port_provider_contract, hold_grows_lowest_first_by_at_most_what_is_asked) {
    BERTH_ONLY_IF_IT_RESERVES();
    failure f;
    const auto block = provider().prepare(ask(10), f);
    ASSERT_NE(block, nullptr) << f.what;
    while (block->held() == 0 && !f) block->hold(3, f);
    ASSERT_FALSE(f) << f.what;
    EXPECT_EQ(block->held(), 3u);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(world_->who_gets_in(port(i)), "");
    EXPECT_EQ(world_->is_free(port(3)), !world_->holds_blocks_whole());
    block->hold(0, f);
    EXPECT_EQ(block->held(), 3u);
    block->hold(100, f);
    ASSERT_FALSE(f) << f.what;
    EXPECT_EQ(block->held(), 10u);
    block->seal(f);
    EXPECT_FALSE(f) << f.what;
}

TEST_P(port_provider_contract, nobody_gets_into_a_sealed_block_and_everybody_after_it) {
    BERTH_ONLY_IF_IT_RESERVES();
    auto block = seal(3);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(world_->who_gets_in(port(i)), "") << "parked";
    ASSERT_FALSE(open(*block, 1));
    EXPECT_EQ(world_->who_gets_in(port(1)), "") << "open";
    EXPECT_EQ(hears(*block, 1), "");
    EXPECT_EQ(world_->who_gets_in(port(1)), "") << "in use";
    ASSERT_FALSE(block->park(1, true).condemned);
    EXPECT_EQ(world_->who_gets_in(port(1)), "") << "parked again";
    block.reset();
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_TRUE(world_->is_free(port(i)));
}

TEST_P(port_provider_contract, a_strangers_port_is_named_and_the_block_is_all_or_nothing) {
    BERTH_ONLY_IF_IT_RESERVES();
    const bool sees_all = provider().facts(world_->usual_request().park).check_sees_bound_sockets;
    const auto strangers = world_->strangers();
    ASSERT_FALSE(strangers.empty());
    for (std::size_t i = 0; i < strangers.size(); ++i) {
        SCOPED_TRACE(strangers[i]);
        if (!sees_all && strangers[i].find("not listening") != std::string::npos) continue;
        failure f;
        auto block = provider().prepare(ask(5), f);
        ASSERT_NE(block, nullptr) << f.what;
        ASSERT_TRUE(world_->let_in(i, port(3)));
        while (block->held() < 5 && !f) block->hold(100, f);
        const bool found_by_hold = static_cast<bool>(f);
        EXPECT_EQ(block->held(), !found_by_hold ? 5u : world_->holds_blocks_whole() ? 0u : 3u);
        if (!found_by_hold) block->seal(f);
        EXPECT_EQ(f.code, errc::block_unavailable);
        EXPECT_EQ(f.port, port(3));
        EXPECT_NE(f.what.find(std::to_string(port(3))), std::string::npos) << f.what;
        const bool left = world_->send_away();
        if (left && found_by_hold) {
            EXPECT_TRUE(world_->is_free(port(3))) << "the failing port is left unheld";
        }
        block.reset();
        for (std::uint32_t p = 0; p < 5; ++p) EXPECT_TRUE(world_->is_free(port(p)) || (p == 3 && !left)) << p;
    }
}

TEST_P(port_provider_contract, survey_marks_our_ports_strangers_and_privileged_ports) {
    BERTH_ONLY_IF_IT_RESERVES();
    if (world_->kind() == port_kind::tcp_connect &&
        !provider().facts(berth::parking::best).check_sees_bound_sockets) {
        GTEST_SKIP() << "this kernel does not list TCP sockets that are bound and no more";
    }
    const auto block = seal(3);
    const auto ours = first_;
    ask(1);
    ASSERT_TRUE(world_->let_in(0, first_));
    port_map map;
    provider().survey(world_->kind(), map);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_TRUE(map.used[ours + i]);
    EXPECT_TRUE(map.used[first_]);
    for (std::size_t p = 1; p < 1024; ++p) EXPECT_TRUE(map.avoid[p]) << p;
    EXPECT_LT(std::count(map.used.begin(), map.used.end(), true), 60000);
    EXPECT_EQ(world_->missing_from_advice(map), "");
    world_->send_away();
}

TEST_P(port_provider_contract, drop_frees_one_port_and_copies_in_other_hands_live_on) {
    BERTH_ONLY_IF_IT_RESERVES();
    auto block = seal(3);
    ASSERT_FALSE(open(*block, 1));
    error_code ec;
    const native_socket copy = block->duplicate(1, ec);
    ASSERT_FALSE(ec) << ec.message();
    const bool leaves_alone = !world_->holds_blocks_whole();
    block->drop(0);
    EXPECT_EQ(world_->is_free(port(0)), leaves_alone);
    EXPECT_EQ(world_->who_gets_in(port(2)), "");
    block->drop(1);
    if (world_->has_options()) {
        EXPECT_EQ(world_->hears(copy, port(1)), "") << "no packet reaches a copy";
    }
    EXPECT_FALSE(provider().close(copy));
    EXPECT_EQ(world_->is_free(port(1)), leaves_alone);
    block.reset();
    EXPECT_TRUE(world_->is_free(port(0)) && world_->is_free(port(1)));
    EXPECT_TRUE(world_->is_free(port(2)));
}

TEST_P(port_provider_contract, the_network_namespace_has_a_name_that_lasts) {
    BERTH_ONLY_IF_IT_RESERVES();
    error_code ec;
    const auto name = provider().network_namespace(ec);
    EXPECT_FALSE(ec);
    EXPECT_NE(name, 0u);
    EXPECT_EQ(provider().network_namespace(ec), name);
    std::uint64_t elsewhere = 0;
    std::thread([&] { elsewhere = provider().network_namespace(ec); }).join();
    EXPECT_EQ(elsewhere, name);
}

std::vector<sibling> every_sibling() {
    auto all = kernel_siblings();
    for (auto& s : simulated_siblings()) all.push_back(std::move(s));
    all.push_back(refusing_sibling());
    return all;
}

INSTANTIATE_TEST_SUITE_P(, port_provider_contract, testing::ValuesIn(every_sibling()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace provider_contract
