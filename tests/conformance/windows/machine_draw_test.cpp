// The documents' system does what SIO_ASSOCIATE_ and SIO_RELEASE_PORT_RESERVATION's documents say. S-…, R-…: rows of
// tests/LEDGER.md.
#include "conformance/windows/machine_ground.hpp"

#include <set>

namespace documents {
namespace {

class machine_associate : public machine_ground {
protected:
    machine_associate() : got(acquire(number(acquiring), 3)) {}
    const socket_type acquiring = udp();
    const answer got;
};

TEST_F(machine_associate, bind_draws_a_port_of_the_block_until_none_is_left) {  // S-2, S-4, S-5, A-75, A-98, A-99
    std::vector<socket_type> drawn;
    std::set<std::uint16_t> ports;
    for (int i = 0; i < 3; ++i) {
        drawn.push_back(udp());
        ASSERT_EQ(associate(number(drawn.back()), got.token).error, 0);
        EXPECT_EQ(provider_contract::local_port(*drawn.back()), 0) << "associating binds nothing";
        ASSERT_EQ(bind(number(drawn.back())), 0);
        ports.insert(provider_contract::local_port(*drawn.back()));
    }
    EXPECT_EQ(ports.size(), 3u);
    EXPECT_EQ(*ports.begin(), got.first);
    EXPECT_EQ(*ports.rbegin(), got.first + 2);
    const auto one_more = udp();
    ASSERT_EQ(associate(number(one_more), got.token).error, 0);
    EXPECT_NE(bind(number(one_more)), 0);
    here.close(number(drawn[1]));
    drawn[1].let_go();
    EXPECT_EQ(machine.free_ports(got.token), 1u);
    EXPECT_EQ(bind(number(one_more)), 0) << "a closed socket's port is in the block again";
}

TEST_F(machine_associate, a_drawn_port_is_open_to_nobody_else) {
    const auto s = udp();
    ASSERT_EQ(associate(number(s), got.token).error, 0);
    ASSERT_EQ(bind(number(s)), 0);
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(is_free(SOCK_DGRAM, static_cast<std::uint16_t>(got.first + i)));
}

TEST_F(machine_associate, the_acquiring_socket_itself_can_be_associated_and_released_after) {
    ASSERT_EQ(associate(number(acquiring), got.token).error, 0);
    ASSERT_EQ(bind(number(acquiring)), 0);
    const auto port = provider_contract::local_port(*acquiring);
    EXPECT_GE(port, got.first);
    EXPECT_LT(port, got.first + 3);
    EXPECT_EQ(release(number(acquiring), got.token).error, 0) << "while a socket bound from it is open";
    EXPECT_EQ(provider_contract::local_port(*acquiring), port) << "which keeps its port";
}

TEST_F(machine_associate, it_comes_before_bind) {  // S-3
    const auto s = udp();
    ASSERT_EQ(bind(number(s)), 0);
    EXPECT_EQ(associate(number(s), got.token).error, WSAEINVAL);
}

TEST_F(machine_associate, a_token_names_one_reservation) {  // S-13
    const auto s = udp();
    EXPECT_EQ(associate(number(s), got.token ^ 1).error, WSAEINVAL);
    EXPECT_EQ(associate(number(s), 0).error, WSAEINVAL);
    ASSERT_EQ(release(number(acquiring), got.token).error, 0);
    EXPECT_EQ(associate(number(s), got.token).error, WSAEINVAL) << "it is over";
}

TEST_F(machine_associate, a_runtime_token_is_the_process_s_own) {
    documents_system there(machine, 4711);
    const auto s = udp();
    EXPECT_EQ(with_token(there, SIO_ASSOCIATE_PORT_RESERVATION, number(s), got.token).error, WSAEINVAL);
    EXPECT_EQ(with_token(there, SIO_RELEASE_PORT_RESERVATION, number(s), got.token).error, WSAEINVAL);
    EXPECT_EQ(machine.reservations(), 1u);
}

TEST_F(machine_associate, the_protocol_is_the_block_s) {
    const auto t = tcp();
    EXPECT_EQ(associate(number(t), got.token).error, WSAEINVAL);
}

TEST_F(machine_associate, the_input_holds_a_token_and_there_is_no_output) {  // S-15, S-17, S-19, S-20, S-21, S-22
    const auto s = udp();
    for (const DWORD code : {SIO_ASSOCIATE_PORT_RESERVATION, SIO_RELEASE_PORT_RESERVATION}) {
        std::uint64_t room = 0;
        DWORD returned = 77;
        EXPECT_EQ(here.ioctl(number(s), code, &got.token, 7, nullptr, 0, returned, nullptr), -WSAEINVAL);
        returned = 77;
        EXPECT_EQ(here.ioctl(number(s), code, &got.token, 8, &room, sizeof room, returned, nullptr), -WSAEINVAL);
        EXPECT_EQ(returned, 0u);
        EXPECT_EQ(here.ioctl(number(s), code, nullptr, 8, nullptr, 0, returned, nullptr), -WSAEFAULT);
    }
    EXPECT_NE(associate(number(s), got.token).returned, 0u) << "a successful call reports bytes";
    EXPECT_NE(release(number(s), got.token).returned, 0u);
}

TEST_F(machine_associate, rows_that_are_those_of_acquire) {
    const auto s = udp();
    for (const DWORD code : {SIO_ASSOCIATE_PORT_RESERVATION, SIO_RELEASE_PORT_RESERVATION}) {
        for (const int row : {WSAEINPROGRESS, WSAEINTR, WSAENETDOWN}) {
            here.next_error = row;
            EXPECT_EQ(with_token(here, code, number(s), got.token).error, row);
        }
        here.is_supported = false;
        EXPECT_EQ(with_token(here, code, number(s), got.token).error, WSAEOPNOTSUPP);
        here.is_supported = true;
        EXPECT_EQ(with_token(here, code, -1, got.token).error, WSAENOTSOCK);
    }
    EXPECT_EQ(machine.reservations(), 1u);
}

using machine_release = machine_associate;

TEST_F(machine_release, gives_the_block_back) {
    const auto any = tcp();  // any TCP or UDP socket of the process says it
    EXPECT_EQ(release(number(any), got.token).error, 0);
    EXPECT_EQ(machine.reservations(), 0u);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_free(SOCK_DGRAM, static_cast<std::uint16_t>(got.first + i)));
    EXPECT_EQ(release(number(any), got.token).error, WSAEINVAL) << "once";
}

TEST_F(machine_release, a_persistent_reservation_was_not_obtained_by_acquire) {
    ASSERT_EQ(release(number(acquiring), got.token).error, 0);
    std::uint64_t token = 0;
    ASSERT_EQ(here.create_persistent(false, htons(got.first), 2, token), 0);
    EXPECT_EQ(release(number(acquiring), token).error, WSAEINVAL);
    EXPECT_EQ(here.delete_persistent(false, htons(got.first), 2), 0);
}

}  // namespace
}  // namespace documents
