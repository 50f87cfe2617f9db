// Every verb waits for its socket, in the order it should, on every kernel: and never says "try again".
#include "unit/backend/uring_ground.hpp"

#include <thread>

namespace {

using namespace berth_test;

class uring_waiting : public uring_ground {};
INSTANTIATE_TEST_SUITE_P(kernels, uring_waiting, testing::ValuesIn(modes()), mode_name);

TEST_P(uring_waiting, a_receive_waits_on_a_non_blocking_socket) {
    two p = stream_pair();
    auto a = attach(p.one);
    noted r(verb::receive, a.get());
    for (const std::string text : {"first", "second", "third"}) {
        r.with_room(100);
        r.has_ended = false;
        ring->start(r);
        settle_down();
        EXPECT_FALSE(r.has_ended);
        write_to(p.other, text);
        ASSERT_TRUE(until([&] { return r.has_ended; }));
        EXPECT_EQ(r.last(), static_cast<int>(text.size()));
    }
    EXPECT_EQ(r.bytes, "firstsecondthird");
    r.has_ended = false;
    ring->start(r);
    p.other.close();
    ASSERT_TRUE(until([&] { return r.has_ended; }));
    EXPECT_EQ(r.last(), 0);
}

TEST_P(uring_waiting, the_flag_that_forbids_to_wait_has_no_effect) {
    two p = stream_pair();
    auto a = attach(p.one);
    noted r(verb::receive, a.get());
    r.with_room(100).flags = MSG_DONTWAIT;
    ring->start(r);
    settle_down();
    EXPECT_FALSE(r.has_ended);
    write_to(p.other, "x");
    ASSERT_TRUE(until([&] { return r.has_ended; }));
    EXPECT_EQ(r.last(), 1);
}

TEST_P(uring_waiting, sends_of_a_stream_arrive_in_the_order_of_their_starts) {
    two p = stream_pair();
    const int small = 4096;
    ASSERT_EQ(::setsockopt(p.one, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    auto a = attach(p.one);
    std::vector<std::unique_ptr<noted>> sends;
    std::string expected, got;
    for (int i = 0; i < 40; ++i) {
        auto& s = *sends.emplace_back(std::make_unique<noted>(verb::send, a.get()));
        s.with_text(std::string(20'000, static_cast<char>('a' + i % 26))).flags = MSG_WAITALL;
        expected += s.memory;
        ring->start(s);
    }
    std::thread reader([&] {
        char b[5000];
        while (got.size() < expected.size()) {
            const auto n = ::recv(p.other, b, sizeof b, 0);
            if (n <= 0) return;
            got.append(b, static_cast<std::size_t>(n));
        }
    });
    EXPECT_TRUE(until([&] { return sends.back()->has_ended; }));
    for (auto& s : sends) EXPECT_EQ(s->last(), 20'000);
    ::shutdown(p.one, SHUT_WR);
    reader.join();
    EXPECT_TRUE(got == expected);
}

TEST_P(uring_waiting, receives_take_effect_in_the_order_of_their_starts) {
    const fd s = bound(SOCK_DGRAM), to = connected_to(name_of(s), SOCK_DGRAM);
    auto a = attach(s, true);
    std::vector<std::unique_ptr<noted>> receives;
    for (int i = 0; i < 20; ++i) {
        auto& r = *receives.emplace_back(std::make_unique<noted>(verb::receive, a.get()));
        ring->start(r.with_room(10));
    }
    settle_down();
    for (int i = 0; i < 20; ++i) write_to(to, std::to_string(i));
    ASSERT_TRUE(until([&] { return receives.back()->has_ended; }));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(receives[static_cast<std::size_t>(i)]->bytes, std::to_string(i));
}

/// Of datagrams, few of which lie between the two.
two narrow_pair() {
    int s[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s), 0);
    const int least = 1;
    EXPECT_EQ(::setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least), 0);
    return {fd(s[0]), fd(s[1])};
}

TEST_P(uring_waiting, datagrams_that_find_no_room_wait_and_keep_their_order) {
    const two p = narrow_pair();
    const int other = p.other;
    auto a = attach(p.one, true);
    std::vector<std::unique_ptr<noted>> sends;
    for (int i = 0; i < 300; ++i) {
        auto& op = *sends.emplace_back(std::make_unique<noted>(verb::send, a.get()));
        ring->start(op.with_text(std::to_string(i)));
    }
    settle_down();
    EXPECT_FALSE(sends.back()->has_ended);
    int came = 0;
    char b[100];
    const auto read = [&] {
        const auto n = ::recv(other, b, sizeof b, MSG_DONTWAIT);
        if (n <= 0) return;
        EXPECT_EQ(std::string(b, static_cast<std::size_t>(n)), std::to_string(came++));
    };
    const auto end = clock::now() + std::chrono::seconds(5);
    while (came < 300 && clock::now() < end) {
        for (int i = 0; i < 3; ++i) read();
        settle_down(1);
    }
    EXPECT_EQ(came, 300);
    EXPECT_TRUE(until([&] { return sends.back()->has_ended; }));
    for (auto& op : sends) EXPECT_EQ(op->last(), static_cast<int>(op->memory.size()));
}

TEST_P(uring_waiting, calling_off_datagrams_that_found_no_room_leaves_the_others) {
    const two p = narrow_pair();
    const int other = p.other;
    auto a = attach(p.one, true);
    std::vector<std::unique_ptr<noted>> sends;
    for (int i = 0; i < 60; ++i) {
        auto& op = *sends.emplace_back(std::make_unique<noted>(verb::send, a.get()));
        ring->start(op.with_text(std::to_string(i)));
    }
    settle_down();
    for (std::size_t i = 1; i < 60; i += 2) ring->cancel(*sends[i]);  // the last that found no room is one of them
    for (int i = 60; i < 80; ++i) {
        auto& op = *sends.emplace_back(std::make_unique<noted>(verb::send, a.get()));
        ring->start(op.with_text(std::to_string(i)));
    }
    int last = -1, came = 0;
    char b[100];
    ASSERT_TRUE(until([&] {
        for (;;) {
            const auto n = ::recv(other, b, sizeof b, MSG_DONTWAIT);
            if (n <= 0) break;
            const int number = std::stoi(std::string(b, static_cast<std::size_t>(n)));
            EXPECT_GT(number, last);
            last = number;
            ++came;
        }
        for (auto& op : sends) {
            if (!op->has_ended) return false;
        }
        return true;
    }));
    int done = 0;
    for (auto& op : sends) done += op->last() >= 0 ? 1 : 0;
    while (::recv(other, b, sizeof b, MSG_DONTWAIT) > 0) ++came;
    EXPECT_EQ(came, done);
    EXPECT_GE(done, 50);
}

TEST_P(uring_waiting, a_truncated_datagram_says_so) {
    const fd s = bound(SOCK_DGRAM), to = connected_to(name_of(s), SOCK_DGRAM);
    auto a = attach(s, true);
    noted r(verb::receive, a.get());
    r.with_room(4).with_address();
    ring->start(r);
    write_to(to, "longer than that");
    ASSERT_TRUE(until([&] { return r.has_ended; }));
    EXPECT_EQ(r.last(), 4);
    EXPECT_TRUE((r.came_with & MSG_TRUNC) != 0);
    EXPECT_EQ(r.address_size, sizeof(sockaddr_in));
    EXPECT_EQ(reinterpret_cast<sockaddr_in&>(r.room).sin_port, name_of(to).sin_port);
}

TEST_P(uring_waiting, connects_and_learns_of_refusals) {
    fd l = listener();
    auto to = name_of(l);
    fd one(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto a = attach(one), b = attach(other);
    noted c(verb::connect, a.get()), d(verb::connect, b.get());
    ring->start(c.with_address(&to));
    ASSERT_TRUE(until([&] { return c.has_ended; }));
    EXPECT_EQ(c.last(), 0);
    l.close();
    ring->start(d.with_address(&to));
    ASSERT_TRUE(until([&] { return d.has_ended; }));
    EXPECT_EQ(d.last(), -ECONNREFUSED);
}

TEST_P(uring_waiting, polls_end_when_the_socket_is_ready) {
    two p = stream_pair();
    auto a = attach(p.one);
    noted in(verb::readable, a.get()), out(verb::writable, a.get()), error(verb::error, a.get());
    ring->start(in);
    ring->start(out);
    ring->start(error);
    ASSERT_TRUE(until([&] { return out.has_ended; }));
    settle_down();
    EXPECT_EQ(out.last(), 0);
    EXPECT_FALSE(in.has_ended || error.has_ended);
    write_to(p.other, "x");
    ASSERT_TRUE(until([&] { return in.has_ended; }));
    EXPECT_EQ(in.last(), 0);
    ASSERT_EQ(::send(p.other, "!", 1, MSG_OOB), 1);
    ASSERT_TRUE(until([&] { return error.has_ended; }));
    EXPECT_EQ(error.last(), 0);
}

TEST_P(uring_waiting, a_send_after_the_remote_has_gone_is_an_error_and_no_signal) {
    two p = stream_pair();
    p.other.close();
    auto a = attach(p.one);
    noted s(verb::send, a.get());
    for (int i = 0; i < 3 && s.last() != -EPIPE; ++i) {
        s.has_ended = false;
        ring->start(s.with_text("x"));
        ASSERT_TRUE(until([&] { return s.has_ended; }));
    }
    EXPECT_TRUE(s.last() == -EPIPE || s.last() == -ECONNRESET);
}

TEST_P(uring_waiting, several_parts_are_one_send_and_one_receive) {
    two p = stream_pair();
    auto a = attach(p.one), b = attach(p.other);
    std::string x = "one ", y = "two", in1(2, ' '), in2(10, ' ');
    const buffer_part from[] = {{x.data(), x.size()}, {y.data(), y.size()}},
                      to[] = {{in1.data(), 2}, {in2.data(), 10}};
    noted s(verb::send, a.get()), r(verb::receive, b.get());
    s.parts = from;
    r.parts = to;
    s.part_count = r.part_count = 2;
    ring->start(s);
    ASSERT_TRUE(until([&] { return s.has_ended; }));
    EXPECT_EQ(s.last(), 7);
    ring->start(r);
    ASSERT_TRUE(until([&] { return r.has_ended; }));
    EXPECT_EQ(r.last(), 7);
    EXPECT_EQ(in1 + in2.substr(0, 5), "one two");
}

TEST_P(uring_waiting, time_is_kept_and_a_wake_is_never_lost) {
    const auto begin = clock::now();
    ring->wait(begin + milliseconds(50));
    EXPECT_GE(clock::now(), begin + milliseconds(50));
    ring->wake();
    ring->wake();
    ring->wait(clock::now() + std::chrono::seconds(5));
    EXPECT_LT(clock::now(), begin + std::chrono::seconds(2));
    const auto again = clock::now();
    ring->wait(again + milliseconds(30));
    EXPECT_GE(clock::now(), again + milliseconds(30)) << "two wakes are one";
    for (int i = 0; i < 200; ++i) {
        std::thread waker([&] { ring->wake(); });
        ring->wait(clock::time_point::max());
        waker.join();
    }
}

TEST_P(uring_waiting, an_attachment_is_refused_for_what_is_no_socket) {
    std::error_code ec;
    EXPECT_EQ(ring->attach(-1, {}, ec), nullptr);
    EXPECT_EQ(ec.value(), EBADF);
    const fd file(::dup(0));
    EXPECT_EQ(ring->attach(file, {}, ec), nullptr);
    EXPECT_EQ(ec.value(), ENOTSOCK);
}

}  // namespace
