// Every provider keeps the contract of port_provider.hpp: what it says of callers' sockets, and who names them.
#include "conformance/provider_world.hpp"

namespace provider_contract {
namespace {

TEST_P(port_provider_contract, inspect_tells_what_a_callers_socket_is) {
    BERTH_ONLY_IF_IT_RESERVES();
    const native_socket one = world_->make_socket(), two = world_->make_socket();
    socket_facts first, second, cheap;
    ASSERT_FALSE(provider().inspect(one, first));
    ASSERT_FALSE(provider().inspect(two, second));
    EXPECT_EQ(first.is_tcp, world_->kind() != port_kind::udp);
    EXPECT_FALSE(first.is_bound);
    EXPECT_NE(first.cookie, 0u);
    EXPECT_NE(first.cookie, second.cookie);
    error_code unknown;
    EXPECT_EQ(first.network, provider().network_namespace(unknown));
    if (world_->has_options()) {
        const auto family = world_->usual_request().family;
        EXPECT_EQ(first.is_ipv6, family != berth::address_family::ipv4);
        EXPECT_EQ(first.is_ipv6_only, family == berth::address_family::ipv6);
    }
    ASSERT_FALSE(provider().recognise(one, cheap));
    EXPECT_EQ(cheap.cookie, first.cookie);
    EXPECT_FALSE(cheap.is_bound);
    EXPECT_FALSE(provider().close(one));
    EXPECT_FALSE(provider().close(two));
}

TEST_P(port_provider_contract, what_is_no_tcp_or_udp_socket_is_told_apart_from_what_is_no_socket) {
    BERTH_ONLY_IF_IT_RESERVES();
    socket_facts out;
    for (const auto other : world_->not_sockets()) {
        EXPECT_EQ(provider().inspect(other, out), errc::not_a_socket) << other;
        EXPECT_EQ(provider().recognise(other, out), errc::not_a_socket) << other;
    }
    EXPECT_EQ(provider().inode_of(-1), 0u);
    for (const auto other : world_->neither_tcp_nor_udp()) {
        EXPECT_EQ(provider().inspect(other, out), errc::operation_not_supported) << other;
    }
}

TEST_P(port_provider_contract, is_named_follows_a_socket_to_its_last_descriptor) {
    BERTH_ONLY_IF_IT_RESERVES();
    const auto block = seal(1);
    const native_socket target = world_->make_socket();
    ASSERT_NE(provider().inode_of(block->session(0)), 0u);
    ASSERT_FALSE(open(*block, 0));
    failure f;
    block->hand_over(0, target, f);
    ASSERT_FALSE(f) << f.what;
    const auto own = block->session(0);
    const auto inode = provider().inode_of(own);
    ASSERT_EQ(provider().inode_of(target), inode);

    native_socket hint = target;
    EXPECT_TRUE(provider().is_named(inode, hint, own));
    EXPECT_EQ(hint, target) << "it is there still";
    error_code ec;
    const native_socket copy = block->duplicate(0, ec);
    ASSERT_FALSE(ec);
    ASSERT_FALSE(provider().close(target));
    EXPECT_TRUE(provider().is_named(inode, hint, own)) << "it moved";
    if (world_->tells_numbers()) {
        EXPECT_EQ(hint, copy);
    }
    ASSERT_FALSE(provider().close(copy));
    EXPECT_FALSE(provider().is_named(inode, hint, own)) << "the library's own is not counted";
    EXPECT_TRUE(provider().is_named(inode, hint, -1)) << "and is, if nothing is left out";
    if (world_->tells_numbers()) {
        EXPECT_EQ(hint, own);
    }
}

TEST_P(port_provider_contract, find_named_looks_for_many_sockets_at_once) {
    BERTH_ONLY_IF_IT_RESERVES();
    const native_socket open = world_->make_socket(), closed = world_->make_socket();
    const std::vector<std::uint64_t> inodes{provider().inode_of(open), provider().inode_of(closed),
                                            provider().inode_of(open)};
    std::vector<bool> named;
    provider().find_named(inodes, named);
    EXPECT_EQ(named, (std::vector<bool>{true, true, true}));
    ASSERT_FALSE(provider().close(closed));
    provider().find_named(inodes, named);
    EXPECT_EQ(named, (std::vector<bool>{true, false, true}));
    ASSERT_FALSE(provider().close(open));
    provider().find_named({}, named);
    EXPECT_TRUE(named.empty());
}

TEST_P(port_provider_contract, close_closes_once_and_says_so) {
    BERTH_ONLY_IF_IT_RESERVES();
    const native_socket socket = world_->make_socket();
    EXPECT_NE(provider().inode_of(socket), 0u);
    EXPECT_FALSE(provider().close(socket));
    EXPECT_EQ(provider().inode_of(socket), 0u);
    EXPECT_EQ(provider().close(socket), errc::not_a_socket);
}

}  // namespace
}  // namespace provider_contract
