// How long a runtime reservation lasts, and under what circumstances acquiring works: tests/LEDGER.md, rows A.
//
// The rest of the acquire document's tests: its socket, its process, signals, descriptors, a dead network.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>

#include "documents_calls.hpp"

using namespace documents;

namespace {

int lowest_free_descriptor() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(fd);
    return fd;
}

volatile std::sig_atomic_t alarms = 0;

}  // namespace

TEST(documents_acquire, the_block_is_held_when_the_call_returns) {
    const auto socket = tcp4();
    const auto got = acquire(socket, 64);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto first = got.block.first;
    EXPECT_EQ(in_child([first] { return all_held(SOCK_STREAM, first, 64) ? "" : "a port could be bound"; }), "");
}

TEST(documents_acquire, the_reservation_lives_as_long_as_the_acquiring_socket) {
    auto acquiring = udp4();
    const auto got = acquire(acquiring, 2);
    ASSERT_FALSE(got.why) << got.why.what;
    {
        const auto socket = udp4();
        ASSERT_FALSE(associate_and_bind(socket, got.token));
    }
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 2)) << "it ended with a socket that was bound from it";

    const int second_name = ::dup(acquiring.fd());
    acquiring.close();
    const auto socket = udp4();
    EXPECT_FALSE(associate_and_bind(socket, got.token)) << "the socket lives on under its second descriptor";
    EXPECT_TRUE(all_held(SOCK_DGRAM, got.block.first, 2));
    ::close(second_name);
}

TEST(documents_acquire, the_reservation_ends_with_the_acquiring_socket) {
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
        plain_socket acquiring(AF_INET, type);
        const auto got = acquire(acquiring, 4);
        ASSERT_FALSE(got.why) << got.why.what;
        acquiring.close();
        EXPECT_TRUE(becomes_free(type, got.block.first, 4)) << "without any further call of berth";
        const plain_socket socket(AF_INET, type);
        EXPECT_EQ(associate(socket, got.token), errc::invalid_token);
        EXPECT_EQ(release(socket, got.token).code, errc::invalid_token);
    }
}

TEST(documents_acquire, the_token_ends_at_once_with_the_acquiring_socket) {
    auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const auto socket = udp4();
    acquiring.close();
    EXPECT_EQ(associate(socket, got.token), errc::invalid_token);
}

TEST(documents_acquire, a_descriptor_number_used_again_does_not_prolong_the_reservation) {
    auto acquiring = udp4();
    const auto got = acquire(acquiring, 1);
    ASSERT_FALSE(got.why) << got.why.what;
    const int number = acquiring.fd();
    const auto other = udp4();
    ASSERT_EQ(::dup2(other.fd(), number), number);
    EXPECT_EQ(associate(other, got.token), errc::invalid_token);
    EXPECT_TRUE(becomes_free(SOCK_DGRAM, got.block.first, 1));
}

TEST(documents_acquire, the_reservation_ends_with_its_process) {
    const std::string said = in_child([] {
        plain_socket socket = udp4();
        const auto got = acquire(socket, 4);
        socket.forget();
        return got.why ? got.why.what : std::to_string(got.block.first);
    });
    const auto first = static_cast<std::uint16_t>(std::strtoul(said.c_str(), nullptr, 10));
    ASSERT_NE(first, 0) << said;
    EXPECT_TRUE(becomes_free(SOCK_DGRAM, first, 4));
}

TEST(documents_acquire, a_child_forked_at_any_moment_can_acquire_for_itself) {
    std::vector<plain_socket> acquiring;
    for (int i = 0; i < 20; ++i) {
        const auto original = udp4();
        ASSERT_FALSE(acquire(original, 1).why);
        acquiring.emplace_back(::dup(original.fd()));  // a second name, so that the search for it takes its longest
    }
    for (int i = 0; i < 60; ++i) {
        const std::string said = in_child([] { return acquire(udp4(), 1).why.what; });
        ASSERT_EQ(said, "") << "fork " << i << " met a lock that nobody in the child can open";
    }
}

TEST(documents_acquire, a_non_blocking_socket_gets_its_answer_from_the_call) {
    const plain_socket socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
    const auto got = acquire(socket, 100);
    ASSERT_FALSE(got.why) << got.why.what;
    EXPECT_TRUE(all_held(SOCK_STREAM, got.block.first, 100));
    EXPECT_NE(::fcntl(socket.fd(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(documents_acquire, what_is_not_a_socket_is_refused) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(acquire(ends[0], 1).why.code, errc::not_a_socket);
    EXPECT_EQ(acquire(-1, 1).why.code, errc::not_a_socket);
    ::close(ends[0]);
    EXPECT_EQ(acquire(ends[0], 1).why.code, errc::not_a_socket) << "closed";
    ::close(ends[1]);
}

TEST(documents_acquire, a_socket_other_than_tcp_or_udp_is_refused) {
    for (const auto& socket : neither_tcp_nor_udp())
        EXPECT_EQ(acquire(socket, 1).why.code, errc::operation_not_supported) << socket.describe();
}

TEST(documents_acquire, a_signal_does_not_interrupt_the_call) {
    struct sigaction count_it {};
    struct sigaction before {};
    count_it.sa_handler = [](int) { alarms = alarms + 1; };  // without SA_RESTART: what can be interrupted is
    ASSERT_EQ(::sigaction(SIGALRM, &count_it, &before), 0);
    const itimerval often{{0, 150}, {0, 150}};
    const itimerval never{};
    int during = 0;
    for (int attempt = 0; attempt < 20 && during == 0; ++attempt) {
        const auto socket = tcp4();
        ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
        const int count = alarms;
        const auto got = acquire(socket, 100);
        during = alarms - count;
        ASSERT_EQ(::setitimer(ITIMER_REAL, &never, nullptr), 0);
        ASSERT_FALSE(got.why) << got.why.what;
        EXPECT_TRUE(all_held(SOCK_STREAM, got.block.first, 100));
    }
    ::sigaction(SIGALRM, &before, nullptr);
    EXPECT_GT(during, 0) << "no signal came during the call, so nothing was shown";
}

TEST(documents_acquire, a_process_out_of_descriptors_holds_nothing) {
    const auto first = free_block(SOCK_DGRAM, 100);
    ASSERT_NE(first, 0);
    EXPECT_EQ(in_child([first]() -> std::string {
                  const auto socket = udp4();
                  const auto lowest = lowest_free_descriptor();
                  const rlimit few{static_cast<rlim_t>(lowest) + 40, static_cast<rlim_t>(lowest) + 40};
                  if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return "setrlimit failed";
                  const auto got = acquire(socket, 100, first);
                  if (got.why.code != errc::too_many_files) return "said: " + got.why.code.message();
                  const auto limit = std::to_string(few.rlim_cur);
                  if (got.why.what.find(limit) == std::string::npos) return "limit not named: " + got.why.what;
                  if (!all_free(SOCK_DGRAM, first, 100)) return "ports stayed held";
                  return "";
              }),
              "");
}

TEST(documents_acquire, a_network_that_is_down_can_be_reserved_on) {
    const std::string said = in_child([]() -> std::string {
        if (::unshare(CLONE_NEWNET) != 0) return "skip";  // the new namespace's only device is lo, and it is down
        for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
            const plain_socket socket(AF_INET, type);
            const auto got = acquire(socket, 4);
            if (got.why) return got.why.what;
            if (!all_held(type, got.block.first, 4)) return "reserved, but not held";
        }
        return "";
    });
    if (said == "skip") GTEST_SKIP() << "making a network namespace needs CAP_SYS_ADMIN";
    EXPECT_EQ(said, "");
}
