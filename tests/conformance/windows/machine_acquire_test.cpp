// The documents' system does what SIO_ACQUIRE_PORT_RESERVATION's document says. A-… are rows of tests/LEDGER.md.
#include "conformance/windows/machine_ground.hpp"

namespace documents {
namespace {

class machine_acquire : public machine_ground {};

TEST_F(machine_acquire, a_wildcard_request_gets_a_block_and_a_token) {
    const auto u = udp(), t = tcp();
    for (const auto* s : {&u, &t}) {
        const auto got = acquire(number(*s), 5);
        EXPECT_EQ(got.error, 0);
        EXPECT_EQ(got.count, 5);
        EXPECT_NE(got.first, 0);
        EXPECT_NE(got.token, 0u);
        for (int i = 0; i < 5; ++i) {
            EXPECT_FALSE(is_free(s == &u ? SOCK_DGRAM : SOCK_STREAM, static_cast<std::uint16_t>(got.first + i))) << i;
        }
    }
}

TEST_F(machine_acquire, the_range_is_in_network_byte_order) {
    const auto scratch = udp(), s = udp();
    const auto first = acquire(number(scratch), 1);
    ASSERT_EQ(release(number(scratch), first.token).error, 0);
    const auto got = acquire(number(s), 1, first.first);
    ASSERT_EQ(got.error, 0);
    EXPECT_EQ(got.first, first.first);
    EXPECT_FALSE(is_free(SOCK_DGRAM, first.first));
}

TEST_F(machine_acquire, the_input_holds_a_range_and_the_output_an_instance) {
    const auto s = udp();
    const INET_PORT_RANGE range{0, 1};
    INET_PORT_RESERVATION_INSTANCE got{};
    DWORD returned = 77;
    EXPECT_EQ(here.ioctl(number(s), SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range - 1, &got, sizeof got,
                         returned, nullptr),
              -WSAEINVAL);
    returned = 77;
    EXPECT_EQ(here.ioctl(number(s), SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &got, sizeof got - 1,
                         returned, nullptr),
              -WSAEINVAL);
    EXPECT_EQ(returned, 0u) << "too small: zero bytes";
    EXPECT_EQ(machine.reservations(), 0u);
}

TEST_F(machine_acquire, a_successful_call_reports_its_bytes) {
    const auto s = udp();
    EXPECT_EQ(acquire(number(s), 1).returned, sizeof(INET_PORT_RESERVATION_INSTANCE));
}

TEST_F(machine_acquire, no_ports_and_ports_past_the_last_are_unacceptable) {
    const auto s = udp();
    EXPECT_EQ(acquire(number(s), 0).error, WSAEINVAL);
    EXPECT_EQ(acquire(number(s), 0, 4000).error, WSAEINVAL);
    EXPECT_EQ(acquire(number(s), 3, 65534).error, WSAEINVAL);
    EXPECT_EQ(acquire(number(s), 2, 65534).error, 0) << "the last port is one";
}

TEST_F(machine_acquire, what_is_taken_or_overlaps_is_refused_whole) {  // left open by the tables: WSAEADDRINUSE
    const auto s = udp();
    const auto got = acquire(number(s), 4);
    for (const int shift : {-1, 0, 1, 3}) {
        EXPECT_EQ(acquire(number(s), 4, static_cast<std::uint16_t>(got.first + shift)).error, WSAEADDRINUSE) << shift;
    }
    EXPECT_EQ(machine.reservations(), 1u);
    const auto stranger = udp(), other = udp();
    ASSERT_EQ(provider_contract::bind_to(*stranger, AF_INET, false, 0), 0);
    const auto taken = provider_contract::local_port(*stranger);
    EXPECT_EQ(acquire(number(other), 2, static_cast<std::uint16_t>(taken - 1)).error, WSAEADDRINUSE);
    EXPECT_TRUE(is_free(SOCK_DGRAM, static_cast<std::uint16_t>(taken - 1))) << "all or nothing";
}

TEST_F(machine_acquire, protocols_have_numbers_of_their_own) {
    const auto u = udp(), t = tcp();
    const auto got = acquire(number(u), 2);
    EXPECT_EQ(acquire(number(t), 2, got.first).error, 0);
}

TEST_F(machine_acquire, pointers_are_looked_at) {
    const auto s = udp();
    const INET_PORT_RANGE range{0, 1};
    INET_PORT_RESERVATION_INSTANCE got{};
    DWORD returned = 0;
    const void* const nowhere = reinterpret_cast<const void*>(std::intptr_t{16});
    const void* const code = reinterpret_cast<const void*>(&::WSAGetLastError);
    const auto call = [&](const void* in, void* out, OVERLAPPED* later) {
        return here.ioctl(number(s), SIO_ACQUIRE_PORT_RESERVATION, in, sizeof range, out, sizeof got, returned,
                          later);
    };
    EXPECT_EQ(call(nullptr, &got, nullptr), -WSAEFAULT);
    EXPECT_EQ(call(nowhere, &got, nullptr), -WSAEFAULT);
    EXPECT_EQ(call(&range, nullptr, nullptr), -WSAEFAULT);
    EXPECT_EQ(call(&range, const_cast<void*>(code), nullptr), -WSAEFAULT) << "cannot be written";
    EXPECT_EQ(call(&range, &got, static_cast<OVERLAPPED*>(const_cast<void*>(nowhere))), -WSAEFAULT);
    EXPECT_EQ(machine.reservations(), 0u);
}

TEST_F(machine_acquire, rows_that_the_system_brings_about) {
    const auto s = udp();
    for (const int row : {WSAEINPROGRESS, WSAEINTR, WSAENETDOWN}) {
        here.next_error = row;
        EXPECT_EQ(acquire(number(s), 1).error, row);
    }
    here.is_supported = false;
    EXPECT_EQ(acquire(number(s), 1).error, WSAEOPNOTSUPP);
    here.is_supported = true;
    EXPECT_EQ(machine.reservations(), 0u);
    EXPECT_EQ(acquire(number(s), 1).error, 0);
}

TEST_F(machine_acquire, a_code_that_is_no_command) {
    const auto s = udp();
    DWORD returned = 0;
    EXPECT_EQ(here.ioctl(number(s), 0x12345678 & 0x0fffffff, nullptr, 0, nullptr, 0, returned, nullptr), -WSAEINVAL);
}

TEST_F(machine_acquire, what_is_no_socket_and_what_is_neither_tcp_nor_udp) {
    EXPECT_EQ(acquire(-1, 1).error, WSAENOTSOCK);
    const std::shared_ptr<void> file(::CreateFileW(L"NUL", GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr),
                                     ::CloseHandle);
    EXPECT_EQ(acquire(reinterpret_cast<native_socket>(file.get()), 1).error, WSAENOTSOCK);
    const socket_type raw(::WSASocketW(AF_INET, SOCK_RAW, IPPROTO_ICMP, nullptr, 0, 0));
    if (!raw) GTEST_SKIP() << "no right to a raw socket here";
    EXPECT_EQ(acquire(number(raw), 1).error, WSAEOPNOTSUPP);
}

TEST_F(machine_acquire, the_block_ends_with_the_socket_that_acquired_it) {
    auto s = udp();
    const auto got = acquire(number(s), 3);
    EXPECT_FALSE(is_free(SOCK_DGRAM, got.first));
    EXPECT_EQ(here.close(number(s)), 0);
    s.let_go();
    EXPECT_EQ(machine.reservations(), 0u);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_free(SOCK_DGRAM, static_cast<std::uint16_t>(got.first + i))) << i;
    auto other = udp();
    const auto again = acquire(number(other), 3, got.first);
    ASSERT_EQ(again.error, 0);
    other = socket_type();  // closed behind the seam: the same
    EXPECT_EQ(machine.reservations(), 0u);
}

TEST_F(machine_acquire, the_block_ends_with_the_process) {  // its sockets end with it
    const auto s = udp();
    documents_system there(machine, 4711);
    const auto got = acquire_in(there, number(s), 2);
    ASSERT_EQ(got.error, 0);
    there.exit();
    EXPECT_EQ(machine.reservations(), 0u);
    EXPECT_TRUE(is_free(SOCK_DGRAM, got.first));
}

TEST_F(machine_acquire, several_blocks_on_one_socket_have_tokens_of_their_own) {
    const auto s = udp();
    const auto one = acquire(number(s), 2), two = acquire(number(s), 2);
    EXPECT_EQ(one.error, 0);
    EXPECT_EQ(two.error, 0);
    EXPECT_NE(one.token, two.token);
    EXPECT_EQ(machine.reservations(), 2u);
}

}  // namespace
}  // namespace documents
