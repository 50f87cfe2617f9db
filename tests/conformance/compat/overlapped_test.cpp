// Overlapped calls: how they start, how their end is told, and when the structure is ignored.
#include <gtest/gtest.h>

#include "overlapped_ground.hpp"

using namespace compat_test;

TEST(compat_overlapped, an_acquire_is_pending_and_its_end_is_fetched) {
    const own_socket socket(SOCK_DGRAM);
    overlapped_acquire one(8);
    {
        barrier before(operations::before_acting);
        const auto a = one.start(socket);
        before.wait_for(1);
        EXPECT_EQ(a.result, SOCKET_ERROR);
        EXPECT_EQ(a.error, WSA_IO_PENDING);
        EXPECT_EQ(a.bytes, 0u);
        EXPECT_FALSE(HasOverlappedIoCompleted(&one.overlapped));
        EXPECT_EQ(one.result(socket, FALSE), WSA_IO_INCOMPLETE);
        EXPECT_EQ(one.instance.Token.Token, 0u);
    }
    EXPECT_EQ(one.result(socket), 0);
    EXPECT_TRUE(HasOverlappedIoCompleted(&one.overlapped));
    EXPECT_EQ(one.bytes, sizeof(INET_PORT_RESERVATION_INSTANCE));
    EXPECT_TRUE(documents::all_held(SOCK_DGRAM, one.first(), 8));
    EXPECT_EQ(release(socket, one.instance.Token).result, 0);
}

TEST(compat_overlapped, an_event_is_set_at_the_end_and_not_before) {
    const own_socket socket(SOCK_DGRAM);
    overlapped_acquire one(2);
    one.overlapped.hEvent = WSACreateEvent();
    {
        barrier before(operations::before_acting);
        ASSERT_EQ(one.start(socket).error, WSA_IO_PENDING);
        before.wait_for(1);
        EXPECT_EQ(WSAWaitForMultipleEvents(1, &one.overlapped.hEvent, TRUE, 0, FALSE), WSA_WAIT_TIMEOUT);
    }
    EXPECT_EQ(WSAWaitForMultipleEvents(1, &one.overlapped.hEvent, TRUE, WSA_INFINITE, FALSE), WSA_WAIT_EVENT_0);
    EXPECT_EQ(one.result(socket, FALSE), 0);
    EXPECT_TRUE(WSACloseEvent(one.overlapped.hEvent));
    EXPECT_FALSE(WSACloseEvent(one.overlapped.hEvent)) << "closed already";
    EXPECT_EQ(WSAGetLastError(), WSA_INVALID_HANDLE);
}

TEST(compat_overlapped, a_routine_runs_on_the_thread_that_made_the_call_when_it_waits_alertably) {
    const own_socket socket(SOCK_DGRAM);
    overlapped_acquire one(2);
    last_heard = {};
    ASSERT_EQ(one.start(socket, hear).error, WSA_IO_PENDING);
    ASSERT_EQ(one.result(socket), 0);
    EXPECT_EQ(SleepEx(1, FALSE), 0u);
    EXPECT_EQ(last_heard.times, 0) << "a wait that is not alertable runs nothing";
    EXPECT_EQ(SleepEx(INFINITE, TRUE), WAIT_IO_COMPLETION);
    EXPECT_EQ(last_heard.times, 1);
    EXPECT_EQ(last_heard.error, 0u);
    EXPECT_EQ(last_heard.bytes, sizeof(INET_PORT_RESERVATION_INSTANCE));
    EXPECT_EQ(last_heard.overlapped, &one.overlapped);
    EXPECT_EQ(last_heard.on, std::this_thread::get_id());
    EXPECT_EQ(SleepEx(1, TRUE), 0u);
    EXPECT_EQ(last_heard.times, 1) << "once";
}

TEST(compat_overlapped, a_routine_may_make_calls_itself) {
    static const own_socket* static_socket = nullptr;
    static answer inner;
    const own_socket socket(SOCK_DGRAM);
    static_socket = &socket;
    overlapped_acquire one(2);
    const auto routine = [](DWORD, DWORD, LPWSAOVERLAPPED, DWORD) { inner = acquire(*static_socket, 1).from; };
    ASSERT_EQ(one.start(socket, routine).error, WSA_IO_PENDING);
    while (SleepEx(INFINITE, TRUE) != WAIT_IO_COMPLETION) {
    }
    EXPECT_EQ(inner.result, 0) << inner.error;
}

TEST(compat_overlapped, what_completes_at_once_returns_zero_and_is_told_as_well) {
    const own_socket acquiring(SOCK_DGRAM);
    const auto got = acquire(acquiring, 2);
    for (const DWORD code : {SIO_ASSOCIATE_PORT_RESERVATION, SIO_RELEASE_PORT_RESERVATION}) {
        WSAOVERLAPPED overlapped{};
        overlapped.hEvent = WSACreateEvent();
        overlapped.Internal = STATUS_PENDING;
        const auto a = by_token(acquiring, code, got.token, &overlapped);
        EXPECT_EQ(a.result, 0) << a.error;
        EXPECT_NE(a.bytes, 0u);
        EXPECT_TRUE(HasOverlappedIoCompleted(&overlapped));
        EXPECT_EQ(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 0, FALSE), WSA_WAIT_EVENT_0);
        DWORD bytes = 0;
        DWORD flags = 0;
        EXPECT_TRUE(WSAGetOverlappedResult(acquiring, &overlapped, &bytes, FALSE, &flags));
        EXPECT_EQ(bytes, a.bytes);
        WSACloseEvent(overlapped.hEvent);
    }
    EXPECT_TRUE(documents::all_free(SOCK_DGRAM, got.first, 2));
    const auto again = acquire(acquiring, 1);
    WSAOVERLAPPED overlapped{};
    last_heard = {};
    EXPECT_EQ(by_token(acquiring, SIO_RELEASE_PORT_RESERVATION, again.token, &overlapped, hear).result, 0);
    EXPECT_EQ(last_heard.times, 0) << "not inside the call";
    EXPECT_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
    EXPECT_EQ(last_heard.times, 1);
}

TEST(compat_overlapped, what_fails_at_once_is_told_by_the_call_alone) {
    const own_socket socket(SOCK_DGRAM);
    WSAOVERLAPPED overlapped{};
    overlapped.hEvent = WSACreateEvent();
    last_heard = {};
    EXPECT_EQ(by_token(socket, SIO_RELEASE_PORT_RESERVATION, {12345}, &overlapped).error, WSAEINVAL);
    EXPECT_EQ(by_token(socket, SIO_RELEASE_PORT_RESERVATION, {12345}, &overlapped, hear).error, WSAEINVAL);
    EXPECT_EQ(WSAWaitForMultipleEvents(1, &overlapped.hEvent, TRUE, 0, TRUE), WSA_WAIT_TIMEOUT);
    EXPECT_EQ(last_heard.times, 0);
    overlapped_acquire none(0);
    EXPECT_EQ(none.start(socket).error, WSAEINVAL) << "seen before it is started";
    WSACloseEvent(overlapped.hEvent);
}

TEST(compat_overlapped, what_fails_later_is_told_by_its_result) {
    const own_socket one(SOCK_DGRAM);
    const own_socket two(SOCK_DGRAM);
    const auto got = acquire(one, 2);
    overlapped_acquire same(2, got.first);
    ASSERT_EQ(same.start(two).error, WSA_IO_PENDING);
    EXPECT_EQ(same.result(two), WSAEADDRINUSE);
    EXPECT_EQ(same.bytes, 0u);
    EXPECT_EQ(same.instance.Token.Token, 0u);
    WSAOVERLAPPED overlapped{};
    DWORD flags = 0;
    ASSERT_EQ(by_token(two, SIO_ASSOCIATE_PORT_RESERVATION, {12345}, &overlapped).error, WSA_IO_PENDING)
        << "a token that this program did not acquire is asked for elsewhere";
    EXPECT_FALSE(WSAGetOverlappedResult(two, &overlapped, &same.bytes, TRUE, &flags));
    EXPECT_EQ(WSAGetLastError(), WSAEINVAL);
}

TEST(compat_overlapped, the_structure_is_ignored_without_the_attribute_and_so_is_the_routine) {
    const own_socket socket(without_overlapped(SOCK_DGRAM));
    overlapped_acquire one(2);
    one.overlapped.Internal = 4711;
    const auto a = one.start(socket, hear);
    EXPECT_EQ(a.result, 0) << a.error;
    EXPECT_EQ(a.bytes, sizeof(INET_PORT_RESERVATION_INSTANCE));
    EXPECT_EQ(one.overlapped.Internal, 4711u) << "not touched";
    EXPECT_TRUE(documents::all_held(SOCK_DGRAM, one.first(), 2));
    auto* const nowhere = reinterpret_cast<LPWSAOVERLAPPED>(16);
    EXPECT_EQ(by_token(socket, SIO_RELEASE_PORT_RESERVATION, one.instance.Token, nowhere).result, 0)
        << "nor looked at";
    last_heard = {};
    EXPECT_EQ(SleepEx(0, TRUE), 0u);
    EXPECT_EQ(last_heard.times, 0);
}

TEST(compat_overlapped, sockets_have_the_attribute_by_socket_and_by_its_flag) {
    const own_socket with(WSASocketA(AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0, WSA_FLAG_OVERLAPPED));
    overlapped_acquire one(1);
    EXPECT_EQ(one.start(with).error, WSA_IO_PENDING);
    EXPECT_EQ(one.result(with), 0);
    EXPECT_EQ(WSASocketW(AF_INET, SOCK_DGRAM, 0, nullptr, 0, 0x4000), INVALID_SOCKET);
    EXPECT_EQ(WSAGetLastError(), WSAEINVAL);
    EXPECT_EQ(WSASocketW(4711, SOCK_DGRAM, 0, nullptr, 0, 0), INVALID_SOCKET);
    EXPECT_EQ(WSAGetLastError(), WSAEAFNOSUPPORT);
}

TEST(compat_overlapped, bytes_returned_may_be_missing_when_the_structure_is_given) {
    const own_socket socket(SOCK_DGRAM);
    overlapped_acquire one(1);
    EXPECT_EQ(WSAIoctl(socket, SIO_ACQUIRE_PORT_RESERVATION, &one.range, sizeof one.range, &one.instance,
                       sizeof one.instance, nullptr, &one.overlapped, nullptr),
              SOCKET_ERROR);
    EXPECT_EQ(WSAGetLastError(), WSA_IO_PENDING);
    EXPECT_EQ(one.result(socket), 0);
}

TEST(compat_events, wait_for_one_for_all_and_for_the_time_to_pass) {
    WSAEVENT both[] = {WSACreateEvent(), WSACreateEvent()};
    EXPECT_EQ(WSAWaitForMultipleEvents(2, both, FALSE, 1, FALSE), WSA_WAIT_TIMEOUT);
    EXPECT_TRUE(WSASetEvent(both[1]));
    EXPECT_EQ(WSAWaitForMultipleEvents(2, both, FALSE, WSA_INFINITE, FALSE), WSA_WAIT_EVENT_0 + 1);
    EXPECT_EQ(WSAWaitForMultipleEvents(2, both, TRUE, 1, FALSE), WSA_WAIT_TIMEOUT);
    std::thread([&] { WSASetEvent(both[0]); }).join();
    EXPECT_EQ(WSAWaitForMultipleEvents(2, both, TRUE, WSA_INFINITE, FALSE), WSA_WAIT_EVENT_0);
    EXPECT_TRUE(WSAResetEvent(both[0]));
    EXPECT_EQ(WSAWaitForMultipleEvents(1, both, TRUE, 0, FALSE), WSA_WAIT_TIMEOUT);
    EXPECT_EQ(WSAWaitForMultipleEvents(0, both, TRUE, 0, FALSE), WSA_WAIT_FAILED);
    EXPECT_EQ(WSAWaitForMultipleEvents(1, nullptr, TRUE, 0, FALSE), WSA_WAIT_FAILED);
    EXPECT_EQ(WSAGetLastError(), WSAEFAULT);
    for (const auto event : both) EXPECT_TRUE(WSACloseEvent(event));
    EXPECT_EQ(WSAWaitForMultipleEvents(1, both, TRUE, 0, FALSE), WSA_WAIT_FAILED) << "closed";
}
