// Receives that go on and accepts that go on: buffers run out, queues overflow, descriptors run out.
#include "unit/backend/uring_ground.hpp"

#include <berth/detail/datagram_control.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <cstring>

namespace {

using namespace berth_test;

class uring_lending : public uring_ground {};
INSTANTIATE_TEST_SUITE_P(kernels, uring_lending, testing::ValuesIn(modes()), mode_name);

TEST_P(uring_lending, a_stream_is_received_until_its_end) {
    make({.buffer_size = 512, .buffer_count = 4});
    two p = stream_pair();
    auto a = attach(p.one);
    noted r(verb::receive, a.get(), true);
    ring->start(r);
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        const std::string text(static_cast<std::size_t>(1 + i * 37), static_cast<char>('a' + i % 26));
        sent += text;
        write_to(p.other, text);
        settle_down(1);
    }
    p.other.close();
    ASSERT_TRUE(until([&] { return r.has_ended; }));
    EXPECT_EQ(r.last(), 0);
    EXPECT_TRUE(r.bytes == sent);
}

TEST_P(uring_lending, when_buffers_run_out_receives_pause_and_nobody_hears_of_it) {
    make({.buffer_size = 512, .buffer_count = 4});
    keeps_buffers = true;
    std::vector<two> pairs;
    std::vector<std::unique_ptr<attachment>> sockets;
    std::vector<std::unique_ptr<noted>> receives;
    for (int i = 0; i < 10; ++i) {
        pairs.push_back(stream_pair());
        sockets.push_back(attach(pairs.back().one));
        ring->start(*receives.emplace_back(std::make_unique<noted>(verb::receive, sockets.back().get(), true)));
    }
    settle_down();
    for (auto& p : pairs) write_to(p.other, "text");
    settle_down(10);
    const auto came = [&] {
        std::size_t n = 0;
        for (auto& r : receives) n += r->bytes.size() / 4;
        return n;
    };
    EXPECT_EQ(came(), 4U);
    ASSERT_TRUE(until([&] {
        for (auto& r : receives) give_back(*r);
        return came() == 10;
    }));
    for (auto& r : receives) EXPECT_FALSE(r->has_ended);
    for (auto& a : sockets) end(a);
    for (auto& r : receives) EXPECT_EQ(r->last(), aborted_result());
}

TEST_P(uring_lending, a_receive_that_waits_for_a_buffer_can_be_called_off) {
    make({.buffer_size = 512, .buffer_count = 1});
    keeps_buffers = true;
    two p = stream_pair(), q = stream_pair();
    auto a = attach(p.one), b = attach(q.one);
    noted x(verb::receive, a.get(), true), y(verb::receive, b.get(), true);
    ring->start(x);
    write_to(p.other, "x");
    ASSERT_TRUE(until([&] { return !x.lent_ids.empty(); }));
    ring->start(y);
    settle_down();
    ring->cancel(y);
    ASSERT_TRUE(until([&] { return y.has_ended; }));
    EXPECT_EQ(y.last(), aborted_result());
    y.has_ended = false;
    ring->start(y);
    settle_down();
    end(b);
    EXPECT_EQ(y.last(), aborted_result());
    give_back(x);
    write_to(p.other, "y");
    ASSERT_TRUE(until([&] { return x.bytes == "xy"; }));
}

TEST_P(uring_lending, datagrams_come_with_their_source_and_say_when_they_are_cut) {
    make({.buffer_size = 1024, .buffer_count = 8});
    const fd s = bound(SOCK_DGRAM);
    fd from[2] = {connected_to(name_of(s), SOCK_DGRAM), connected_to(name_of(s), SOCK_DGRAM)};
    auto a = attach(s, true);
    noted r(verb::receive, a.get(), true);
    r.with_address();
    std::vector<std::uint16_t> ports;
    std::vector<std::size_t> sizes;
    r.then = [&](noted& op, int, bool more) {
        if (!more) return;
        EXPECT_EQ(op.address_size, sizeof(sockaddr_in));
        ports.push_back(reinterpret_cast<sockaddr_in&>(op.room).sin_port);
        sizes.push_back(op.lent.size);
    };
    ring->start(r);
    const std::string texts[] = {"a", "", std::string(3000, 'b'), "c", ""};
    for (int i = 0; i < 5; ++i) {
        write_to(from[i % 2], texts[i]);
        if (i == 2) settle_down();
    }
    ASSERT_TRUE(until([&] { return ports.size() == 5; }));
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(ports[i], name_of(from[i % 2]).sin_port) << i;
        EXPECT_EQ((r.flags_out[i] & MSG_TRUNC) != 0, i == 2) << i;
        EXPECT_EQ(r.results[i], static_cast<int>(sizes[i]));
        if (i != 2) {
            EXPECT_EQ(sizes[i], texts[i].size());
        }
    }
    EXPECT_GT(sizes[2], 700U);
    EXPECT_FALSE(r.has_ended) << "an empty datagram is no end";
}

TEST_P(uring_lending, what_is_asked_for_beside_a_datagram_comes_with_each) {
    make({.buffer_size = 1024, .buffer_count = 4});
    const fd s = bound(SOCK_DGRAM);
    const int on = 1;
    ASSERT_EQ(::setsockopt(s, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
    const fd from = connected_to(name_of(s), SOCK_DGRAM);
    auto a = attach(s, true);
    noted r(verb::receive, a.get(), true);
    r.with_address();
    r.control_size = control_room;
    std::vector<std::string> seen;
    r.then = [&](noted& op, int, bool more) {
        if (!more) return;
        const auto said = read_control(op.control, op.control_size);
        seen.push_back(said.family == 4 && said.destination[0] == 127 && said.destination[3] == 1 ? "here" : "?");
    };
    ring->start(r);
    const std::string texts[] = {"a", "", std::string(600, 'b'), "c", "d", "e"};
    for (const auto& text : texts) write_to(from, text);
    ASSERT_TRUE(until([&] { return seen.size() == 6; }));
    EXPECT_EQ(seen, std::vector<std::string>(6, "here"));
    EXPECT_EQ(r.bytes, "a" + texts[2] + "cde");
}

TEST_P(uring_lending, no_more_of_a_source_is_written_than_there_is_room_for) {
    const fd s = bound(SOCK_DGRAM), l = listener(), from = connected_to(name_of(s), SOCK_DGRAM);
    auto a = attach(s, true), b = attach(l);
    noted r(verb::receive, a.get(), true), x(verb::accept, b.get(), true);
    for (noted* op : {&r, &x}) {
        std::memset(&op->room, '#', sizeof op->room);
        op->with_address().address_size = 4;
        ring->start(*op);
    }
    for (int i = 0; i < 3; ++i) {
        write_to(from, "x");
        const fd client = connected_to(name_of(l));
        ASSERT_TRUE(
            until([&] { return r.results.size() == std::size_t(i) + 1 && x.results.size() == std::size_t(i) + 1; }));
        for (noted* op : {&r, &x}) {
            EXPECT_EQ(reinterpret_cast<sockaddr_in&>(op->room).sin_family, AF_INET);
            EXPECT_EQ(reinterpret_cast<const char*>(&op->room)[4], '#');
        }
    }
    end(a);
    end(b);
}

// The bad news of one comes after the buffer that it lacked was given back, and given to others that need none.
TEST_P(uring_lending, a_receive_that_hears_too_late_of_a_buffer_given_back_does_not_wait_for_the_next) {
    make({.buffer_size = 512, .buffer_count = 1});
    two p = stream_pair(), q = stream_pair(), w = stream_pair();
    auto a = attach(p.one), b = attach(q.one), c = attach(w.one);
    noted x(verb::receive, a.get(), true), y(verb::receive, b.get(), true), z(verb::receive, c.get(), true);
    noted first(verb::writable, c.get()), second(verb::writable, c.get());
    write_to(p.other, "x");
    for (noted* op : {&x, &y, &first, &second, &z}) ring->start(*op);
    keeps_buffers = true;
    ring->look();
    while (!first.has_ended) ASSERT_TRUE(deliver());
    give_back(x);
    ring->look();
    deliver_all();
    write_to(w.other, "z");
    EXPECT_TRUE(until([&] {
        give_back(x);
        return z.bytes == "z";
    }));
    keeps_buffers = false;
    for (noted* op : {&x, &y, &z}) give_back(*op);
    end(a);
    end(b);
    end(c);
}

TEST_P(uring_lending, accepts_go_on_and_say_from_whom) {
    const fd l = listener();
    auto a = attach(l);
    noted x(verb::accept, a.get(), true);
    x.with_address();
    std::vector<std::uint16_t> ports;
    x.then = [&](noted& op, int, bool) { ports.push_back(reinterpret_cast<sockaddr_in&>(op.room).sin_port); };
    ring->start(x);
    std::vector<fd> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(connected_to(name_of(l)));
    ASSERT_TRUE(until([&] { return x.accepted.size() == 20; }));
    for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_EQ(ports[i], name_of(clients[i]).sin_port);
        EXPECT_EQ(::fcntl(x.accepted[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        EXPECT_EQ(::fcntl(x.accepted[i], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    }
    x.then = nullptr;
    ring->cancel(x);
    ASSERT_TRUE(until([&] { return x.has_ended; }));
    EXPECT_EQ(x.last(), aborted_result());
}

TEST_P(uring_lending, accept_ends_when_descriptors_run_out_and_the_client_stays_queued) {
    const fd l = listener();
    auto a = attach(l);
    noted x(verb::accept, a.get(), true);
    const fd client = connected_to(name_of(l));
    settle_down();
    rlimit was{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &was), 0);
    const fd lowest(::dup(l));
    rlimit none{static_cast<rlim_t>(static_cast<int>(lowest)), was.rlim_max};
    {
        std::vector<fd> holes;  // below the limit everything is taken
        for (int n = ::dup(l); n >= 0 && n < lowest; n = ::dup(l)) holes.emplace_back(n);
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
        ring->start(x);  // the kernel goes by the limit of this moment
        EXPECT_TRUE(until([&] { return x.has_ended; }));
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &was), 0);
    }
    EXPECT_EQ(x.last(), -EMFILE);
    x.has_ended = false;
    ring->start(x);
    ASSERT_TRUE(until([&] { return x.accepted.size() == 1; }));
    EXPECT_FALSE(x.has_ended);
}

}  // namespace
