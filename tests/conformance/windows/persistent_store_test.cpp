// berth's persistent calls over a system that follows the documents: every row in berth's words, and who gets ports.
#include "conformance/windows/machine_ground.hpp"
#include "platform/windows/persistent_store.hpp"
#include "platform/windows/windows_provider.hpp"
#include "reservation_core.hpp"

namespace documents {
namespace {

using berth::errc;
using berth::failure;
using berth::port_block;
using berth::reservation_token;
using berth::tcp_use;
using berth::transport;
using berth::detail::reservation_core;

class persistent_store : public machine_ground {
protected:
    port_block some_block(std::uint16_t count) {
        const auto s = tcp();
        const auto got = acquire(number(s), count);
        release(number(s), got.token);
        return {got.first, count};
    }
    reservation_token create(const port_block& block, transport protocol = transport::tcp) {
        return store.create(block, protocol, tcp_use::listen, f);
    }
    std::shared_ptr<reservation_core> open(const port_block& block, reservation_token token,
                                           transport protocol = transport::tcp) {
        return reservation_core::make(provider, {.block = block, .protocol = protocol}, f,
                                      berth::detail::steady_nanoseconds, {}, token);
    }
    failure f;
    berth::platform::persistent_store store{here};
    berth::platform::windows_provider provider{here};
};

TEST_F(persistent_store, each_row_of_the_documents_is_a_row_of_berths) {
    const auto block = some_block(4);
    EXPECT_FALSE(create({0, 4})) << "no wildcard among them";
    EXPECT_EQ(f.code, errc::invalid_argument);
    EXPECT_FALSE(create({block.first, 0}));
    EXPECT_EQ(f.code, errc::invalid_argument);
    EXPECT_FALSE(create({65534, 3}));
    EXPECT_EQ(f.code, errc::invalid_argument);
    EXPECT_FALSE(create(block, transport::tcp_and_udp));
    EXPECT_EQ(f.code, errc::invalid_argument);
    EXPECT_TRUE(create(block)) << f.what;
    EXPECT_FALSE(create({block.first, 1}));
    EXPECT_EQ(f.code, errc::block_unavailable);
    EXPECT_NE(f.what.find(std::to_string(block.first)), std::string::npos) << f.what;
    here.is_administrator = false;
    EXPECT_FALSE(create(some_block(1)));
    EXPECT_EQ(f.code, errc::permission_denied);
    EXPECT_FALSE(store.refusal()) << "to look one up is everybody's";
    here.is_administrator = true;
    store.remove({block.first, 3}, transport::tcp, f);
    EXPECT_EQ(f.code, errc::no_such_reservation) << "exactly this block";
    store.remove(block, transport::tcp, f);
    EXPECT_FALSE(f) << f.what;
    store.remove(block, transport::tcp, f);
    EXPECT_EQ(f.code, errc::no_such_reservation);
}

TEST_F(persistent_store, a_lookup_finds_what_was_created_and_remembers_the_block) {
    const auto block = some_block(3);
    const auto token = create(block, transport::udp);
    berth::platform::persistent_store other{here};
    EXPECT_FALSE(other.find(token)) << "nobody told it";
    EXPECT_EQ(other.lookup(block, transport::udp, tcp_use::listen, f), token);
    EXPECT_FALSE(other.lookup(block, transport::tcp, tcp_use::listen, f));
    EXPECT_EQ(f.code, errc::no_such_reservation);
    const auto known = other.find(token);
    ASSERT_TRUE(known);
    EXPECT_EQ(known->block.first, block.first);
    EXPECT_EQ(known->protocol, transport::udp);
    machine.restart();
    const auto next = other.lookup(block, transport::udp, tcp_use::listen, f);
    EXPECT_TRUE(next) << "it outlives the system's start";
    EXPECT_NE(next, token) << "its token does not";
    EXPECT_FALSE(other.find(token)) << "nor does what was known of it";
}

TEST_F(persistent_store, a_share_has_all_ports_and_leaves_the_block_where_it_was) {
    const auto block = some_block(5);
    const auto token = create(block);
    {
        const auto share = open(block, token);
        ASSERT_TRUE(share) << f.what;
        EXPECT_EQ(share->token(), token);
        EXPECT_TRUE(share->is_persistent());
        EXPECT_EQ(machine.free_ports(token.value()), 0u);
        EXPECT_EQ(share->available(), 5u);
        share->release(f, berth::if_taken::refuse);
        EXPECT_FALSE(f);
    }
    EXPECT_EQ(machine.free_ports(token.value()), 5u);
    EXPECT_EQ(store.lookup(block, transport::tcp, tcp_use::listen, f), token);
}

TEST_F(persistent_store, a_share_of_a_block_in_use_is_refused_with_the_number_of_ports) {
    const auto block = some_block(5);
    const auto token = create(block);
    documents_system there(machine, 4711);
    const auto s = tcp();
    ASSERT_EQ(with_token(there, SIO_ASSOCIATE_PORT_RESERVATION, number(s), token.value()).error, 0);
    ASSERT_EQ(bind(number(s)), 0);
    EXPECT_FALSE(open(block, token));
    EXPECT_EQ(f.code, errc::block_exhausted);
    EXPECT_EQ(f.count, 1u);
    EXPECT_EQ(machine.free_ports(token.value()), 4u) << "all or nothing";
}

TEST_F(persistent_store, a_token_of_nothing_draws_nothing) {
    const auto block = some_block(2);
    const reservation_token made_up{0x1234567890abcdef};
    EXPECT_FALSE(open(block, made_up));
    EXPECT_EQ(f.code, errc::block_exhausted);
    EXPECT_TRUE(is_free(SOCK_STREAM, block.first));
    const auto s = tcp();
    EXPECT_EQ(provider.associate_drawn(number(s), made_up.value()), errc::invalid_token);
}

TEST_F(persistent_store, a_callers_own_socket_draws_one_port) {
    const auto block = some_block(2);
    const auto token = create(block, transport::udp);
    const auto first = udp(), second = udp(), third = udp(), stream = tcp();
    EXPECT_EQ(provider.associate_drawn(number(stream), token.value()), errc::invalid_token) << "of the other protocol";
    for (const auto* s : {&first, &second, &third}) ASSERT_FALSE(provider.associate_drawn(number(*s), token.value()));
    for (const auto* s : {&first, &second}) {
        provider.bind_drawn(number(*s), asio::ip::address_v4(), 0, f);
        ASSERT_FALSE(f) << f.what;
        EXPECT_TRUE(block.contains(provider_contract::local_port(**s)));
    }
    EXPECT_NE(provider_contract::local_port(*first), provider_contract::local_port(*second));
    provider.bind_drawn(number(third), asio::ip::address_v4(), 0, f);
    EXPECT_EQ(f.code, errc::block_exhausted) << f.what;
    here.is_administrator = false;
    const auto fourth = udp();
    EXPECT_EQ(provider.associate_drawn(number(fourth), token.value()), errc::permission_denied);
}

TEST(persistent_calls_of_this_system, are_there_or_say_what_is_missing) {
    berth::platform::persistent_store store(berth::platform::real_windows_calls());
    failure f;
    const auto token = store.lookup({65535, 1}, transport::tcp, tcp_use::listen, f);
    EXPECT_EQ(static_cast<bool>(token), !f);
    if (f.code == errc::operation_not_supported) {
        EXPECT_NE(f.what.find("iphlpapi"), std::string::npos);
        EXPECT_EQ(store.refusal().code, errc::operation_not_supported);
    }
}

}  // namespace
}  // namespace documents
