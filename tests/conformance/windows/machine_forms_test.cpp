// The documents' system has every form of the three calls, also those that berth does not use: completion routines,
// pointers that are none, sockets without the overlapped attribute. What holds for one call holds for all three.
#include "conformance/windows/machine_ground.hpp"

#include <thread>

namespace documents {
namespace {

struct end_of_call {
    int runs = 0;
    DWORD error = 77, bytes = 77, thread = 0;
    OVERLAPPED* overlapped = nullptr;
};
end_of_call last;

void CALLBACK note(DWORD error, DWORD bytes, OVERLAPPED* overlapped, DWORD) {
    last = {last.runs + 1, error, bytes, ::GetCurrentThreadId(), overlapped};
}

class machine_forms : public machine_ground, public testing::WithParamInterface<DWORD> {
protected:
    machine_forms() : block(acquire(number(holder), 2)) {
        last = {};
        later.hEvent = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    }
    ~machine_forms() override { ::CloseHandle(later.hEvent); }
    [[nodiscard]] bool acquires() const { return GetParam() == SIO_ACQUIRE_PORT_RESERVATION; }
    [[nodiscard]] const void* input() const {
        return acquires() ? static_cast<const void*>(&range) : static_cast<const void*>(&block.token);
    }
    [[nodiscard]] DWORD input_size() const { return acquires() ? sizeof range : sizeof block.token; }
    int call(native_socket on, OVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, DWORD* bytes) {
        return here.control(on, GetParam(), input(), input_size(), acquires() ? &got : nullptr,
                            acquires() ? sizeof got : 0, bytes, overlapped, routine);
    }
    /// Nothing was acquired, and what is there was not released.
    void expect_nothing_done() { EXPECT_EQ(machine.reservations(), 1u); }
    [[nodiscard]] DWORD bytes_of_success() const { return acquires() ? sizeof got : sizeof block.token; }

    const socket_type holder = udp();
    const answer block;
    const INET_PORT_RANGE range{0, 2};
    INET_PORT_RESERVATION_INSTANCE got{};
    DWORD returned = 77;
    OVERLAPPED later{};
    socket_type s = udp();
    void* const nowhere = reinterpret_cast<void*>(std::intptr_t{16});
};

TEST_P(machine_forms, a_routine_runs_when_its_thread_waits_alertably_and_not_before) {  // S-32, R-31
    here.completes_later = true;
    ASSERT_EQ(call(number(s), &later, note, &returned), -WSA_IO_PENDING);
    ::SleepEx(1, TRUE);
    EXPECT_EQ(last.runs, 0);
    std::thread([&] { here.finish(); }).join();
    ::Sleep(1);
    EXPECT_EQ(last.runs, 0) << "the thread does not wait alertably";
    ::SleepEx(1, TRUE);
    EXPECT_EQ(last.runs, 1);
    EXPECT_EQ(last.error, 0u);
    EXPECT_EQ(last.bytes, bytes_of_success());
    EXPECT_EQ(last.thread, ::GetCurrentThreadId());
    EXPECT_EQ(last.overlapped, &later);
    ::SleepEx(1, TRUE);
    EXPECT_EQ(last.runs, 1) << "once";
}

TEST_P(machine_forms, a_routine_runs_after_a_call_that_ends_at_once_and_not_after_a_refusal) {
    ASSERT_EQ(call(number(s), &later, note, &returned), 0);
    ::SleepEx(1, TRUE);
    EXPECT_EQ(last.runs, 1);
    here.next_error = WSAENETDOWN;
    EXPECT_EQ(call(number(s), &later, note, &returned), -WSAENETDOWN);
    ::SleepEx(1, TRUE);
    EXPECT_EQ(last.runs, 1);
}

TEST_P(machine_forms, an_aborted_call_s_routine_hears_of_it) {  // S-44, R-43
    here.completes_later = true;
    ASSERT_EQ(call(number(s), &later, note, &returned), -WSA_IO_PENDING);
    here.close(number(s));
    s.let_go();
    ::SleepEx(1, TRUE);
    EXPECT_EQ(last.runs, 1);
    EXPECT_EQ(last.error, static_cast<DWORD>(WSA_OPERATION_ABORTED));
    EXPECT_EQ(last.bytes, 0u);
    expect_nothing_done();
}

TEST_P(machine_forms, the_exit_of_the_thread_that_began_it_aborts) {  // A-43, S-44, R-43
    here.completes_later = true;
    std::thread([&] {
        EXPECT_EQ(call(number(s), &later, nullptr, &returned), -WSA_IO_PENDING);
        here.end_thread();
    }).join();
    EXPECT_EQ(here.result(number(s), later, 0), -WSA_OPERATION_ABORTED);
    HANDLE port = nullptr;
    ASSERT_EQ(here.make_completion_port(port), 0);
    ASSERT_EQ(here.set_completion(number(s), port, false), 0);
    std::thread([&] {
        EXPECT_EQ(call(number(s), &later, nullptr, &returned), -WSA_IO_PENDING);
        here.end_thread();
    }).join();
    EXPECT_EQ(here.pending(), 1u) << "which is why berth's acquire is on a port";
    here.finish();
    OVERLAPPED* which = nullptr;
    EXPECT_EQ(here.fetch_completion(port, which, 1000), 0);
    EXPECT_EQ(which, &later);
    EXPECT_EQ(here.fetch_completion(port, which, 0), -WAIT_TIMEOUT);
    EXPECT_EQ(here.let_go(port), 0);
}

TEST_P(machine_forms, pointers_that_are_none) {  // S-29, S-48, S-49, R-28, R-45, R-46
    const auto routine = reinterpret_cast<LPWSAOVERLAPPED_COMPLETION_ROUTINE>(nowhere);
    EXPECT_EQ(call(number(s), nullptr, nullptr, nullptr), -WSAEFAULT) << "no room for the number of bytes";
    EXPECT_EQ(call(number(s), &later, nullptr, nullptr), -WSAEFAULT);
    EXPECT_EQ(call(number(s), nullptr, nullptr, static_cast<DWORD*>(nowhere)), -WSAEFAULT);
    EXPECT_EQ(call(number(s), static_cast<OVERLAPPED*>(nowhere), nullptr, &returned), -WSAEFAULT);
    EXPECT_EQ(call(number(s), &later, routine, &returned), -WSAEFAULT);
    EXPECT_EQ(here.control(number(s), GetParam(), nowhere, input_size(), acquires() ? &got : nullptr,
                           acquires() ? sizeof got : 0, &returned, nullptr, nullptr),
              -WSAEFAULT);
    EXPECT_EQ(here.pending(), 0u);
    expect_nothing_done();
}

TEST_P(machine_forms, a_socket_without_the_attribute_ignores_structure_and_routine) {  // S-27, R-26
    here.completes_later = true;
    const native_socket plain = here.make_plain_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    EXPECT_EQ(call(plain, &later, note, &returned), 0);
    EXPECT_EQ(returned, bytes_of_success());
    EXPECT_EQ(call(plain, static_cast<OVERLAPPED*>(nowhere), nullptr, &returned),
              GetParam() == SIO_RELEASE_PORT_RESERVATION ? -WSAEINVAL : 0)  // released by the first
        << "not even looked at";
    ::SleepEx(1, TRUE);
    EXPECT_EQ(last.runs, 0);
    EXPECT_EQ(here.pending(), 0u);
    here.close(plain);
}

TEST_P(machine_forms,
       pending_now_and_ended_later) {  // S-23 to S-30, S-42, S-43, R-22 to R-29
    here.completes_later = true;
    here.ends_at_second_look = false;
    ASSERT_EQ(call(number(s), &later, nullptr, &returned), -WSA_IO_PENDING);
    EXPECT_EQ(returned, 0u);
    EXPECT_EQ(::WaitForSingleObject(later.hEvent, 0), DWORD{WAIT_TIMEOUT});
    EXPECT_EQ(here.result(number(s), later, 0), -WSA_IO_INCOMPLETE);
    expect_nothing_done();
    here.finish();
    EXPECT_EQ(::WaitForSingleObject(later.hEvent, 0), DWORD{WAIT_OBJECT_0});
    EXPECT_EQ(here.result(number(s), later, 0), 0);
}

TEST_P(machine_forms, a_flush_or_a_cancel_aborts) {  // S-45, S-91, R-44, R-83
    here.completes_later = true;
    ASSERT_EQ(call(number(s), &later, nullptr, &returned), -WSA_IO_PENDING);
    EXPECT_EQ(here.control(number(s), SIO_FLUSH, nullptr, 0, nullptr, 0, &returned, nullptr, nullptr), 0);
    EXPECT_EQ(here.result(number(s), later, 0), -WSA_OPERATION_ABORTED);
    ASSERT_EQ(call(number(s), &later, nullptr, &returned), -WSA_IO_PENDING);
    EXPECT_EQ(here.cancel(number(s), &later), 0);
    EXPECT_EQ(here.result(number(s), later, 0), -WSA_OPERATION_ABORTED);
    expect_nothing_done();
}

TEST_P(machine_forms, a_socket_of_neither_protocol_has_no_such_call) {  // A-62, S-65, R-62
    const socket_type raw(::WSASocketW(AF_INET, SOCK_RAW, IPPROTO_ICMP, nullptr, 0, 0));
    if (!raw) GTEST_SKIP() << "no right to a raw socket here";
    EXPECT_EQ(call(number(raw), nullptr, nullptr, &returned), -WSAEOPNOTSUPP);
}

TEST_P(machine_forms,
       without_the_structure_it_is_done_when_it_returns_on_a_non_blocking_socket_too) {
    here.completes_later = true;
    ASSERT_EQ(here.set_blocking(number(s), false), 0);
    EXPECT_EQ(call(number(s), nullptr, nullptr, &returned), 0);
    EXPECT_EQ(returned, bytes_of_success());
}

INSTANTIATE_TEST_SUITE_P(, machine_forms,
                         testing::Values(SIO_ACQUIRE_PORT_RESERVATION, SIO_ASSOCIATE_PORT_RESERVATION,
                                         SIO_RELEASE_PORT_RESERVATION),
                         [](const auto& param_info) {
                             return std::string(param_info.param == SIO_ACQUIRE_PORT_RESERVATION     ? "acquire"
                                                : param_info.param == SIO_ASSOCIATE_PORT_RESERVATION ? "associate"
                                                                                                     : "release");
                         });

}  // namespace
}  // namespace documents
