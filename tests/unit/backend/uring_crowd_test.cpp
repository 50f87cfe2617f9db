// A ring that is too small for what is asked of it.
#include "unit/backend/uring_ground.hpp"

#include <sys/socket.h>

namespace {

using namespace berth_test;

class uring_crowd : public uring_ground {};
INSTANTIATE_TEST_SUITE_P(kernels, uring_crowd, testing::ValuesIn(modes()), mode_name);

// A completion queue of four: multishots stop with a success, and are submitted again.
TEST_P(uring_crowd, results_that_do_not_fit_into_the_queue_are_not_lost) {
    make({.entries = 4, .buffer_size = 512, .buffer_count = 64}, 4);
    const fd s = bound(SOCK_DGRAM), to = connected_to(name_of(s), SOCK_DGRAM), l = listener();
    auto a = attach(s, true), b = attach(l);
    noted r(verb::receive, a.get(), true), x(verb::accept, b.get(), true);
    ring->start(r);
    ring->start(x);
    settle_down();
    std::string sent;
    std::vector<fd> clients;
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 30; ++i) {
            const std::string text(1, static_cast<char>('a' + i % 26));
            sent += text;
            write_to(to, text);
            if (i % 3 == 0) clients.push_back(connected_to(name_of(l)));
        }
        ASSERT_TRUE(until([&] { return r.bytes == sent && x.accepted.size() == clients.size(); }))
            << r.bytes.size() << " of " << sent.size() << ", " << x.accepted.size() << " of " << clients.size();
    }
    EXPECT_FALSE(r.has_ended || x.has_ended);
    end(a);
    end(b);
}

TEST_P(uring_crowd, more_operations_than_entries_wait_in_memory) {
    make({.entries = 4});
    constexpr std::size_t count = 500;
    std::vector<two> pairs;
    std::vector<std::unique_ptr<attachment>> sockets;
    std::vector<std::unique_ptr<noted>> receives, sends;
    for (std::size_t i = 0; i < count; ++i) {
        int s[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
        pairs.push_back({fd(s[0]), fd(s[1])});
        sockets.push_back(attach(pairs[i].one));
        ring->start(receives.emplace_back(std::make_unique<noted>(verb::receive, sockets[i].get()))->with_room(20));
    }
    for (std::size_t i = 0; i < count; i += 2) ring->cancel(*receives[i]);  // before any of them was handed over
    settle_down(400);
    for (std::size_t i = 0; i < count; i += 2) EXPECT_EQ(receives[i]->last(), aborted_result());
    for (std::size_t i = 1; i < count; i += 2) EXPECT_FALSE(receives[i]->has_ended);
    for (std::size_t i = 1; i < count; i += 4) write_to(pairs[i].other, "x");
    ASSERT_TRUE(until([&] {
        std::size_t n = 0;
        for (auto& r : receives) n += r->last() == 1 ? 1 : 0;
        return n == count / 4;
    }));
    for (auto& r : receives) ring->cancel(*r);  // far more than there are entries
    ASSERT_TRUE(until([&] {
        for (auto& r : receives) {
            if (!r->has_ended) return false;
        }
        return true;
    }));
    for (std::size_t i = 3; i < count; i += 4) EXPECT_EQ(receives[i]->last(), aborted_result());
}

}  // namespace
