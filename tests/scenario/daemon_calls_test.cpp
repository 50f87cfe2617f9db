// Persistent reservations as a caller sees them: create, remove, look up, list, and every refusal, with its words.
#include "daemon_ground.hpp"

#include <berth/associate.hpp>
#include <berth/capabilities.hpp>
#include <berth/persistent_share.hpp>
#include <berth/port_reservation.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include <algorithm>
#include <cstdlib>

namespace berth::test {
namespace {

class persistent_calls : public daemon_ground {
protected:
    void SetUp() override {
        daemon_ground::SetUp();
        if (!IsSkipped()) start();
    }
    /// The errc of a create, as a number that tests can print.
    [[nodiscard]] failure created(const port_block& block, transport protocol) const {
        failure f;
        const auto token = create_persistent(block, protocol, f, at());
        EXPECT_EQ(static_cast<bool>(token), !f) << "success and failure at once";
        return f;
    }
};

TEST_F(persistent_calls, a_block_is_created_found_listed_and_removed) {
    failure f;
    for (const auto protocol : {transport::tcp, transport::udp}) {
        const auto block = free_block(20, protocol);
        const auto token = create_persistent(block, protocol, f, at());
        ASSERT_FALSE(f) << f.what;
        EXPECT_TRUE(token);
        expect_held(protocol, block);
        EXPECT_EQ(lookup_persistent(block, protocol, f, at()), token);
        const auto all = list_persistent(f, at());
        ASSERT_EQ(all.size(), 1u) << f.what;
        EXPECT_EQ(all[0].block, block);
        EXPECT_EQ(all[0].protocol, protocol);
        EXPECT_EQ(all[0].token, token);
        EXPECT_TRUE(all[0].is_held);
        EXPECT_FALSE(all[0].is_draining);
        remove_persistent(block, protocol, f, at());
        EXPECT_FALSE(f) << f.what;
        expect_free(protocol, block);
        EXPECT_TRUE(list_persistent(f, at()).empty());
        EXPECT_FALSE(lookup_persistent(block, protocol, f, at()));
        EXPECT_EQ(f.code, errc::no_such_reservation);
    }
}

TEST_F(persistent_calls, tcp_and_udp_have_numbers_of_their_own) {
    const auto block = free_block(4, transport::tcp_and_udp);
    EXPECT_FALSE(created(block, transport::tcp));
    EXPECT_FALSE(created(block, transport::udp));
    failure f;
    EXPECT_EQ(list_persistent(f, at()).size(), 2u);
    EXPECT_NE(lookup_persistent(block, transport::tcp, f, at()), lookup_persistent(block, transport::udp, f, at()));
}

TEST_F(persistent_calls, zero_ports_a_wildcard_and_what_runs_past_65535_are_refused) {
    EXPECT_EQ(created({5000, 0}, transport::tcp).code, errc::invalid_argument);
    EXPECT_EQ(created({0, 10}, transport::udp).code, errc::invalid_argument);
    EXPECT_EQ(created({65535, 2}, transport::tcp).code, errc::invalid_argument);
    EXPECT_EQ(created({1, 65536}, transport::tcp).code, errc::invalid_argument);
    EXPECT_EQ(created({1, ~0u}, transport::tcp).code, errc::invalid_argument);
    EXPECT_EQ(created({5000, 1}, transport::tcp_and_udp).code, errc::invalid_argument);
    EXPECT_NE(created({65535, 2}, transport::tcp).what.find("65535"), std::string::npos);
    failure f;
    remove_persistent({65535, 2}, transport::tcp, f, at());
    EXPECT_EQ(f.code, errc::invalid_argument) << "not: there is none";
    EXPECT_FALSE(lookup_persistent({65535, 2}, transport::tcp, f, at()));
    EXPECT_EQ(f.code, errc::invalid_argument);
}

TEST_F(persistent_calls, what_overlaps_a_persistent_block_is_refused) {
    const auto block = free_block(16, transport::udp);
    const auto first = block.first;
    const port_block middle{static_cast<std::uint16_t>(first + 4), 8};
    ASSERT_FALSE(created(middle, transport::udp));
    EXPECT_EQ(created(middle, transport::udp).code, errc::block_unavailable) << "the same again";
    EXPECT_EQ(created(block, transport::udp).code, errc::block_unavailable) << "around it";
    EXPECT_EQ(created({static_cast<std::uint16_t>(first + 6), 2}, transport::udp).code, errc::block_unavailable);
    EXPECT_EQ(created({first, 5}, transport::udp).code, errc::block_unavailable);
    EXPECT_EQ(created({static_cast<std::uint16_t>(first + 11), 5}, transport::udp).code, errc::block_unavailable);
    EXPECT_FALSE(created({first, 4}, transport::udp)) << "next to it";
    EXPECT_FALSE(created({static_cast<std::uint16_t>(first + 12), 4}, transport::udp)) << "next to it";
}

TEST_F(persistent_calls, a_live_block_and_a_port_in_use_are_refused_and_nothing_is_held) {
    reservation_request request;
    request.block = {0, 4};
    auto live = port_reservation::reserve(request);
    const auto block = live.block();
    const auto f = created({static_cast<std::uint16_t>(block.first - 4), 8}, transport::udp);
    EXPECT_EQ(f.code, errc::block_unavailable);
    EXPECT_EQ(f.port, block.first);
    EXPECT_NE(f.what.find(std::to_string(block.first)), std::string::npos);
    expect_free(transport::udp, {static_cast<std::uint16_t>(block.first - 4), 4});
    live.release();
    EXPECT_FALSE(created(block, transport::udp));
    request.block = block;
    failure refused;
    EXPECT_FALSE(port_reservation::reserve(request, refused));
    EXPECT_EQ(refused.code, errc::block_unavailable) << "a live block over a persistent one";
}

TEST_F(persistent_calls, remove_and_lookup_want_exactly_the_block) {
    const auto block = free_block(8, transport::tcp);
    ASSERT_FALSE(created(block, transport::tcp));
    failure f;
    for (const auto& other : {port_block{block.first, 7}, port_block{block.first, 9},
                              port_block{static_cast<std::uint16_t>(block.first + 1), 7}}) {
        remove_persistent(other, transport::tcp, f, at());
        EXPECT_EQ(f.code, errc::no_such_reservation);
        EXPECT_FALSE(lookup_persistent(other, transport::tcp, f, at()));
        EXPECT_EQ(f.code, errc::no_such_reservation);
    }
    remove_persistent(block, transport::udp, f, at());
    EXPECT_EQ(f.code, errc::no_such_reservation);
    EXPECT_TRUE(lookup_persistent(block, transport::tcp, f, at()));
}

TEST_F(persistent_calls, sixteen_blocks_of_256_ports) {
    failure f;
    std::vector<port_block> blocks;
    for (int i = 0; i < 16; ++i) {
        blocks.push_back(free_block(256, transport::tcp_and_udp));
        const auto refused = created(blocks.back(), i % 2 == 0 ? transport::tcp : transport::udp);
        if (refused.code == errc::too_many_files) GTEST_SKIP() << refused.what;
        ASSERT_FALSE(refused) << refused.what;
    }
    EXPECT_EQ(list_persistent(f, at()).size(), 16u);
    const auto status = persistent_status(f, at());
    EXPECT_EQ(status.ports, 4096u);
    EXPECT_EQ(status.blocks_held, 16u);
    kill_daemon();
    start();
    EXPECT_EQ(persistent_status(f, at()).blocks_held, 16u);
    for (int i = 0; i < 16; ++i)
        expect_held(i % 2 == 0 ? transport::tcp : transport::udp, blocks[static_cast<std::size_t>(i)]);
}

TEST_F(persistent_calls, more_than_there_are_descriptors_for_is_refused_whole) {
    const auto f = created({1024, 64512}, transport::udp);
    if (!f) GTEST_SKIP() << "this process may have descriptors for all ports there are";
    EXPECT_TRUE(f.code == errc::too_many_files || f.code == errc::block_unavailable) << f.what;
    failure none;
    EXPECT_EQ(persistent_status(none, at()).blocks, 0u);
}

TEST_F(persistent_calls, draining_is_remembered) {
    const auto block = free_block(2, transport::udp);
    failure f;
    ASSERT_FALSE(created(block, transport::udp));
    EXPECT_TRUE(drain_persistent(block, transport::udp, true, f, at()).is_draining) << f.what;
    kill_daemon();
    start();
    EXPECT_TRUE(list_persistent(f, at()).at(0).is_draining);
    EXPECT_FALSE(drain_persistent(block, transport::udp, false, f, at()).is_draining);
    EXPECT_FALSE(list_persistent(f, at()).at(0).is_draining);
    EXPECT_FALSE(drain_persistent({block.first, 1}, transport::udp, true, f, at()).is_draining);
    EXPECT_EQ(f.code, errc::no_such_reservation);
}

TEST_F(persistent_calls, every_form_says_the_same) {
    const auto block = free_block(2, transport::tcp);
    error_code ec;
    const auto token = create_persistent(block, transport::tcp, ec, at());
    EXPECT_FALSE(ec);
    EXPECT_EQ(lookup_persistent(block, transport::tcp, at()), token);
    EXPECT_THROW(create_persistent(block, transport::tcp, at()), reservation_error);
    create_persistent(block, transport::tcp, ec, at());
    EXPECT_EQ(ec, errc::block_unavailable);
    EXPECT_EQ(ec, std::errc::address_in_use);
    EXPECT_EQ(list_persistent(ec, at()).size(), 1u);
    EXPECT_FALSE(ec);
    EXPECT_TRUE(drain_persistent(block, transport::tcp, true, ec, at()).is_draining);
    EXPECT_FALSE(ec);
    EXPECT_FALSE(drain_persistent(block, transport::tcp, false, at()).is_draining);
    EXPECT_EQ(persistent_status(ec, at()).blocks, 1u);
    EXPECT_FALSE(ec);
    remove_persistent(block, transport::tcp, at());
    drain_persistent(block, transport::tcp, true, ec, at());
    EXPECT_EQ(ec, errc::no_such_reservation);
    EXPECT_THROW(drain_persistent(block, transport::tcp, true, at()), reservation_error);
    EXPECT_THROW(remove_persistent(block, transport::tcp, at()), reservation_error);
    EXPECT_THROW(lookup_persistent(block, transport::tcp, at()), reservation_error);
}

TEST_F(persistent_calls, a_persistent_token_is_not_released) {
    const auto block = free_block(2, transport::udp);
    const auto token = create_persistent(block, transport::udp, at());
    share_options options;
    options.socket_path = socket();
    auto share = open_persistent(token, options);
    asio::io_context context;
    asio::ip::udp::socket any(context, asio::ip::udp::v6());
    failure f;
    release(any.native_handle(), token, f);
    EXPECT_EQ(f.code, errc::invalid_token);
    EXPECT_NE(f.what.find("remove_persistent"), std::string::npos) << f.what;
    EXPECT_TRUE(share.take()) << "it goes on";
}

TEST_F(persistent_calls, without_a_daemon_the_failure_names_the_socket_and_the_remedy) {
    failure f;
    kill_daemon();
    create_persistent({5000, 1}, transport::tcp, f, at());
    EXPECT_EQ(f.code, errc::service_unavailable);
    EXPECT_NE(f.what.find(socket()), std::string::npos) << f.what;
    EXPECT_NE(f.what.find("start it"), std::string::npos) << f.what;
    const std::string elsewhere = (directory_ / "nobody").string();
    ::setenv("BERTH_SOCKET", elsewhere.c_str(), 1);
    list_persistent(f);
    ::unsetenv("BERTH_SOCKET");
    EXPECT_EQ(f.code, errc::service_unavailable);
    EXPECT_NE(f.what.find(elsewhere), std::string::npos) << f.what;
}

TEST_F(persistent_calls, capabilities_say_what_cannot_be_promised) {
    const auto says = [](const capabilities& c, std::string_view words) {
        return std::any_of(c.limits.begin(), c.limits.end(),
                           [&](const auto& limit) { return limit.find(words) != std::string::npos; });
    };
    ::setenv("BERTH_SOCKET", socket().c_str(), 1);
    const auto with = query_capabilities();
    kill_daemon();
    const auto without = query_capabilities();
    ::unsetenv("BERTH_SOCKET");
    EXPECT_TRUE(with.can_persist);
    EXPECT_NE(with.keeper.find("keeper"), std::string::npos) << with.keeper;
    EXPECT_TRUE(says(with, "until berthd has started"));
    EXPECT_FALSE(without.can_persist);
    EXPECT_EQ(without.keeper, "");
    EXPECT_TRUE(says(without, socket()));
}

}  // namespace
}  // namespace berth::test
