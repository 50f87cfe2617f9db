// Calls under way that are aborted: by a flush, a close, a cancel, the end of their thread. Nothing stays held.
#include <gtest/gtest.h>

#include <unistd.h>

#include <future>

#include "overlapped_ground.hpp"

using namespace compat_test;

TEST(compat_abort, a_flush_ends_a_call_that_has_not_begun) {
    const own_socket socket(SOCK_DGRAM);
    const auto first = a_free_block(2);
    overlapped_acquire one(2, first);
    barrier before(operations::before_acting);
    ASSERT_EQ(one.start(socket).error, WSA_IO_PENDING);
    before.wait_for(1);
    EXPECT_EQ(control(socket, SIO_FLUSH, nullptr, 0, nullptr, 0).result, 0);
    EXPECT_EQ(one.result(socket), WSA_OPERATION_ABORTED);
    EXPECT_TRUE(documents::all_free(SOCK_DGRAM, first, 2));
}

TEST(compat_abort, a_flush_undoes_an_acquire_before_its_end_is_told) {
    const own_socket socket(SOCK_DGRAM);
    const auto first = a_free_block(2);
    overlapped_acquire one(2, first);
    barrier after(operations::after_acting);
    ASSERT_EQ(one.start(socket).error, WSA_IO_PENDING);
    after.wait_for(1);
    ASSERT_TRUE(documents::all_held(SOCK_DGRAM, first, 2)) << "the block is acquired, and nobody knows";
    EXPECT_EQ(control(socket, SIO_FLUSH, nullptr, 0, nullptr, 0).result, 0);
    after.open();
    EXPECT_EQ(one.result(socket), WSA_OPERATION_ABORTED);
    EXPECT_EQ(one.bytes, 0u);
    EXPECT_EQ(one.instance.Token.Token, 0u);
    EXPECT_TRUE(documents::all_free(SOCK_DGRAM, first, 2));
}

TEST(compat_abort, closing_the_socket_ends_its_calls) {
    own_socket socket(SOCK_DGRAM);
    const auto first = a_free_block(2);
    overlapped_acquire one(2, first);
    one.overlapped.hEvent = WSACreateEvent();
    {
        barrier before(operations::before_acting);
        ASSERT_EQ(one.start(socket).error, WSA_IO_PENDING);
        before.wait_for(1);
        EXPECT_EQ(socket.close(), 0);
        EXPECT_EQ(WSAWaitForMultipleEvents(1, &one.overlapped.hEvent, TRUE, WSA_INFINITE, FALSE), WSA_WAIT_EVENT_0);
    }
    const own_socket other(SOCK_DGRAM);
    EXPECT_EQ(one.result(other), WSA_OPERATION_ABORTED);
    EXPECT_TRUE(documents::all_free(SOCK_DGRAM, first, 2));
    WSACloseEvent(one.overlapped.hEvent);
}

TEST(compat_abort, closing_the_socket_ends_a_call_that_another_thread_waits_in) {
    own_socket socket(SOCK_DGRAM);
    const auto first = a_free_block(2);
    barrier after(operations::after_acting);
    auto waiting = std::async(std::launch::async, [&] { return acquire(socket, 2, first).from; });
    after.wait_for(1);
    auto closing = std::async(std::launch::async, [&] { return socket.close(); });
    EXPECT_EQ(closing.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout)
        << "the number is still in use";
    after.open();
    const auto a = waiting.get();
    EXPECT_EQ(a.error, WSA_OPERATION_ABORTED);
    EXPECT_EQ(a.bytes, 0u);
    EXPECT_EQ(closing.get(), 0);
    EXPECT_TRUE(documents::all_free(SOCK_DGRAM, first, 2));
}

TEST(compat_abort, the_end_of_its_thread_ends_a_call) {
    const own_socket socket(SOCK_DGRAM);
    overlapped_acquire one(2);
    barrier before(operations::before_acting);
    std::thread([&] { EXPECT_EQ(one.start(socket).error, WSA_IO_PENDING); }).join();
    before.wait_for(1);
    EXPECT_EQ(one.result(socket), WSA_OPERATION_ABORTED);
}

TEST(compat_abort, one_call_is_cancelled_and_the_others_are_not) {
    const own_socket socket(SOCK_DGRAM);
    const auto handle = reinterpret_cast<HANDLE>(socket.get());
    overlapped_acquire one(2);
    overlapped_acquire two(2);
    last_heard = {};
    {
        barrier before(operations::before_acting);
        ASSERT_EQ(one.start(socket, hear).error, WSA_IO_PENDING);
        ASSERT_EQ(two.start(socket).error, WSA_IO_PENDING);
        before.wait_for(2);
        EXPECT_TRUE(CancelIoEx(handle, &one.overlapped));
        EXPECT_EQ(one.result(socket), WSA_OPERATION_ABORTED);
    }
    EXPECT_EQ(two.result(socket), 0);
    EXPECT_EQ(SleepEx(0, TRUE), WAIT_IO_COMPLETION);
    EXPECT_EQ(last_heard.error, static_cast<DWORD>(WSA_OPERATION_ABORTED));
    EXPECT_FALSE(CancelIoEx(handle, nullptr)) << "nothing is under way";
    EXPECT_EQ(GetLastError(), static_cast<DWORD>(ERROR_NOT_FOUND));
}

TEST(compat_abort, a_child_forked_meanwhile_waits_for_nothing) {
    const own_socket socket(SOCK_DGRAM);
    overlapped_acquire one(2);
    {
        barrier after(operations::after_acting);
        ASSERT_EQ(one.start(socket).error, WSA_IO_PENDING);
        after.wait_for(1);
        EXPECT_EQ(documents::in_child([&] {
                      ::alarm(10);  // it must not hang
                      operations::after_acting = nullptr;
                      const own_socket other(SOCK_DGRAM);
                      if (acquire(other, 1).from.result != 0) return "the child cannot acquire for itself";
                      return closesocket(socket.get()) == 0 ? "" : "the child cannot close its copy";
                  }),
                  "");
    }
    EXPECT_EQ(one.result(socket), 0);
    EXPECT_TRUE(documents::all_held(SOCK_DGRAM, one.first(), 2));
}
