// Several session sockets on a port: what the contract of port_provider.hpp adds for them, by every sibling that has
// them; the others refuse by name.
#include "conformance/provider_world.hpp"

#include <set>

namespace provider_contract {
namespace {

constexpr std::uint32_t per_port = 4;

class several_sessions_contract : public port_provider_contract {
protected:
    void SetUp() override {
        port_provider_contract::SetUp();
        if (world_->kind() != port_kind::tcp_connect) GTEST_SKIP() << "several session sockets are for TCP that connects";
        failure f;
        auto request = ask_for_several(1);
        if (provider().prepare(request, f) != nullptr) return;
        EXPECT_EQ(f.code, errc::operation_not_supported);
        EXPECT_NE(f.what.find("sessions_per_port"), std::string::npos) << f.what;
        GTEST_SKIP() << f.what;
    }
    hold_request ask_for_several(std::uint32_t ports) {
        auto request = ask(ports);
        request.sessions_per_port = per_port;
        return request;
    }
    std::unique_ptr<held_block> seal_several(std::uint32_t ports) {
        failure f;
        for (int attempt = 0; attempt < 10; ++attempt) {
            auto block = provider().prepare(ask_for_several(ports), f = {});
            while (block && !f && block->held() < ports * per_port) block->hold(1, f);
            if (block && !f) block->seal(f);
            if (!f) return block;
        }
        throw std::runtime_error("no block could be made: " + f.what);
    }
};

TEST_P(several_sessions_contract, each_index_has_a_session_socket_of_its_own_and_a_port_one_holder) {
    const auto block = seal_several(3);
    ASSERT_EQ(block->held(), 3 * per_port);
    std::set<std::uint64_t> cookies;
    std::set<native_socket> descriptors;
    for (std::uint32_t i = 0; i < 3 * per_port; ++i) {
        cookies.insert(block->cookie(i));
        descriptors.insert(block->session(i));
        EXPECT_EQ(block->sockets(i).holder, block->sockets(i - i % per_port).holder);
        socket_facts facts;
        ASSERT_FALSE(provider().inspect(block->session(i), facts));
        EXPECT_TRUE(facts.is_bound);
        EXPECT_EQ(facts.cookie, block->cookie(i));
    }
    EXPECT_EQ(cookies.size(), 3 * per_port);
    EXPECT_EQ(descriptors.size(), 3 * per_port);
}

TEST_P(several_sessions_contract, nobody_gets_in_whatever_each_of_them_is_doing) {
    auto block = seal_several(2);
    const auto expect_shut = [&](const char* when) {
        for (std::uint32_t p = 0; p < 2; ++p) EXPECT_EQ(world_->who_gets_in(port(p)), "") << when;
    };
    expect_shut("parked");
    for (std::uint32_t i = 0; i < per_port; ++i) ASSERT_FALSE(open(*block, i));
    expect_shut("all open");
    EXPECT_EQ(world_->hears(block->session(0), port(0)), "");
    expect_shut("one was used");
    world_->close_behind(*block, 1);
    block->lose(1);
    expect_shut("one was closed behind our back");
    ASSERT_FALSE(block->park(2, true).condemned);
    expect_shut("one is parked again");
    ASSERT_EQ(block->renew(1), renewal::renewed);
    expect_shut("one is renewed");
    ASSERT_FALSE(open(*block, 1));
    ASSERT_FALSE(open(*block, 2));
    EXPECT_EQ(world_->hears(block->session(1), port(0)), "");
    for (std::uint32_t i = 0; i < per_port; ++i) ASSERT_FALSE(block->park(i, false).condemned);
    expect_shut("all parked");
}

TEST_P(several_sessions_contract, a_port_is_free_with_its_last_session_socket) {
    auto block = seal_several(2);
    for (std::uint32_t i = per_port; i-- > 1;) {
        block->drop(i);
        EXPECT_EQ(world_->who_gets_in(port(0)), "") << i;
    }
    block->drop(0);
    EXPECT_TRUE(world_->is_free(port(0)));
    EXPECT_EQ(world_->who_gets_in(port(1)), "");
    block.reset();
    EXPECT_TRUE(world_->is_free(port(1)));
}

TEST_P(several_sessions_contract, a_strangers_port_is_named_and_nothing_is_left) {
    const auto names = world_->strangers();
    for (std::size_t i = 0; i < names.size(); ++i) {
        SCOPED_TRACE(names[i]);
        failure f;
        auto block = provider().prepare(ask_for_several(3), f);
        ASSERT_NE(block, nullptr) << f.what;
        ASSERT_TRUE(world_->let_in(i, port(1)));
        while (block->held() < 3 * per_port && !f) block->hold(100, f);
        if (!f) block->seal(f);
        EXPECT_EQ(f.code, errc::block_unavailable);
        EXPECT_EQ(f.port, port(1)) << f.what;
        const bool left = world_->send_away();
        block.reset();
        for (std::uint32_t p = 0; p < 3; ++p) EXPECT_TRUE(world_->is_free(port(p)) || (p == 1 && !left)) << p;
    }
}

std::vector<sibling> siblings_that_connect() {
    std::vector<sibling> all;
    auto every = kernel_siblings();
    for (auto& s : simulated_siblings()) every.push_back(std::move(s));
    for (auto& s : every) {
        if (s.name.find("connect") != std::string::npos) all.push_back(std::move(s));
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(, several_sessions_contract, testing::ValuesIn(siblings_that_connect()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace provider_contract
