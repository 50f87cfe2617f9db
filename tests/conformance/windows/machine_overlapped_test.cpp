// The documents' system ends overlapped calls as the documents say. A-…: rows of tests/LEDGER.md.
#include "conformance/windows/machine_ground.hpp"

namespace documents {
namespace {

class machine_overlapped : public machine_ground {
protected:
    machine_overlapped() {
        later.hEvent = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
        here.completes_later = true;
        here.ends_at_second_look = false;
    }
    ~machine_overlapped() override { ::CloseHandle(later.hEvent); }
    int begin(native_socket on) {
        returned = 77;
        return here.ioctl(on, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &got, sizeof got, returned, &later);
    }
    bool is_signalled() { return ::WaitForSingleObject(later.hEvent, 0) == WAIT_OBJECT_0; }

    const INET_PORT_RANGE range{0, 2};
    INET_PORT_RESERVATION_INSTANCE got{};
    DWORD returned = 0;
    OVERLAPPED later{};
    socket_type s = udp();
};

TEST_F(machine_overlapped,
       what_cannot_end_at_once_is_pending_and_its_end_is_signalled) {
    EXPECT_EQ(begin(number(s)), -WSA_IO_PENDING);
    EXPECT_EQ(returned, 0u);
    EXPECT_FALSE(is_signalled());
    EXPECT_EQ(here.result(number(s), later, 0), -WSA_IO_INCOMPLETE);
    EXPECT_EQ(machine.reservations(), 0u);
    here.finish();
    EXPECT_TRUE(is_signalled());
    EXPECT_EQ(here.result(number(s), later, 0), 0);
    EXPECT_EQ(got.Reservation.NumberOfPorts, 2);
    EXPECT_EQ(machine.reservations(), 1u);
}

TEST_F(machine_overlapped, what_ends_at_once_is_signalled_too) {
    here.completes_later = false;
    EXPECT_EQ(begin(number(s)), 0);
    EXPECT_TRUE(is_signalled());
    EXPECT_EQ(here.result(number(s), later, 0), 0);
}

TEST_F(machine_overlapped, a_late_failure_is_told_by_the_result) {
    auto other = udp();
    here.completes_later = false;
    ASSERT_EQ(begin(number(other)), 0);
    const INET_PORT_RANGE same = got.Reservation;
    here.completes_later = true;
    EXPECT_EQ(
        here.ioctl(number(s), SIO_ACQUIRE_PORT_RESERVATION, &same, sizeof same, &got, sizeof got, returned, &later),
        -WSA_IO_PENDING);
    here.finish();
    EXPECT_EQ(here.result(number(s), later, 0), -WSAEADDRINUSE);
}

TEST_F(machine_overlapped, a_flush_a_cancel_and_a_close_abort) {
    ASSERT_EQ(begin(number(s)), -WSA_IO_PENDING);
    EXPECT_EQ(here.ioctl(number(s), SIO_FLUSH, nullptr, 0, nullptr, 0, returned, nullptr), 0);
    EXPECT_TRUE(is_signalled());
    EXPECT_EQ(here.result(number(s), later, 0), -WSA_OPERATION_ABORTED);
    ASSERT_EQ(begin(number(s)), -WSA_IO_PENDING);
    EXPECT_EQ(here.cancel(number(s), &later), 0);
    EXPECT_EQ(here.result(number(s), later, 0), -WSA_OPERATION_ABORTED);
    ASSERT_EQ(begin(number(s)), -WSA_IO_PENDING);
    here.close(number(s));
    EXPECT_EQ(here.result(s.let_go() == 0 ? 0 : -1, later, 0), -WSA_OPERATION_ABORTED);
    EXPECT_EQ(machine.reservations(), 0u) << "and nothing was acquired";
    EXPECT_EQ(here.pending(), 0u);
}

TEST_F(machine_overlapped, the_structure_is_ignored_for_a_socket_without_the_attribute) {
    const native_socket plain = here.make_plain_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    EXPECT_EQ(begin(plain), 0) << "done when it returns";
    EXPECT_EQ(returned, sizeof got);
    EXPECT_FALSE(is_signalled());
    here.close(plain);
}

TEST_F(machine_overlapped,
       without_the_structure_the_call_is_synchronous_on_a_non_blocking_socket_too) {
    ASSERT_EQ(here.set_blocking(number(s), false), 0);
    EXPECT_EQ(acquire(number(s), 1).error, 0);
}

}  // namespace
}  // namespace documents
