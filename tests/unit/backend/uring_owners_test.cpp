// Another thread takes the loop over, the first has gone, or the process was forked.
#include "unit/backend/uring_ground.hpp"

#include <sys/wait.h>

#include <thread>

namespace {

using namespace berth_test;

class uring_owners : public uring_ground {};
INSTANTIATE_TEST_SUITE_P(kernels, uring_owners, testing::ValuesIn(modes()), mode_name);

TEST_P(uring_owners, operations_go_on_with_another_thread) {
    two p = stream_pair(), q = stream_pair();
    const fd l = listener();
    auto a = attach(p.one), b = attach(l), c = attach(q.one);
    noted r(verb::receive, a.get(), true), x(verb::accept, b.get(), true), whole(verb::receive, c.get());
    ring->start(r);
    ring->start(x);
    whole.with_room(8).flags = MSG_WAITALL;
    ring->start(whole);
    std::string sent;
    std::vector<fd> clients;
    for (int i = 0; i < 10; ++i) {
        std::thread([&, i] {
            sent += "thread ";
            clients.push_back(connected_to(name_of(l)));
            if (i % 2 == 0) write_to(p.other, "thread ");
            if (i == 2) write_to(q.other, "half");
            settle_down();
            if (i % 2 == 1) write_to(p.other, "thread ");
            EXPECT_TRUE(until([&] { return r.bytes == sent && x.accepted.size() == clients.size(); })) << i;
            ring->rest();
        }).join();
        EXPECT_FALSE(r.has_ended || x.has_ended);
    }
    EXPECT_EQ(r.bytes, sent);
    EXPECT_EQ(whole.bytes, "half") << "what had come of it when its thread rested";
    end(a);
    end(b);
    end(c);
}

TEST_P(uring_owners, results_that_were_there_come_once_and_unchanged) {
    make({.buffer_size = 512, .buffer_count = 4});
    two p = stream_pair(), q = stream_pair();
    auto a = attach(p.one), b = attach(q.one);
    noted r(verb::receive, a.get(), true), one(verb::receive, b.get());
    ring->start(r);
    ring->start(one.with_room(10));
    std::thread([&] {
        settle_down();
        write_to(q.other, "once");
        for (int i = 0; i < 4; ++i) {
            write_to(p.other, std::string(4, static_cast<char>('a' + i)));
            ring->look();
        }
        ring->rest();
    }).join();
    std::thread([&] {
        write_to(p.other, "eeee");
        write_to(q.other, "again");
        for (int i = 0; i < 5; ++i) ring->look();
        EXPECT_TRUE(until([&] { return one.has_ended && r.bytes.size() == 20; }));
        ring->rest();
    }).join();
    EXPECT_EQ(r.bytes, "aaaabbbbccccddddeeee");
    EXPECT_EQ(one.results, std::vector<int>{4});
    EXPECT_EQ(one.bytes, "once");
    end(a);
}

TEST_P(uring_owners, results_that_did_not_fit_into_the_queue_are_not_left_behind) {
    make({.entries = 4, .buffer_size = 512, .buffer_count = 64}, 4);
    constexpr std::size_t count = 6;
    std::vector<fd> sockets, remotes;
    std::vector<std::unique_ptr<attachment>> attached;
    std::vector<std::unique_ptr<noted>> receives;
    for (std::size_t i = 0; i < count; ++i) {
        sockets.push_back(bound(SOCK_DGRAM));
        remotes.push_back(connected_to(name_of(sockets[i]), SOCK_DGRAM));
        attached.push_back(attach(sockets[i], true));
        ring->start(*receives.emplace_back(std::make_unique<noted>(verb::receive, attached[i].get(), true)));
    }
    std::string sent;
    for (char round = 'a'; round < 'e'; ++round) {
        std::thread([&] {
            settle_down(10);
            for (int i = 0; i < 5; ++i, sent += round) {
                for (auto& to : remotes) write_to(to, std::string(1, round));
            }
            for (int i = 0; i < 2; ++i) ring->look();
            ring->rest();
        }).join();
    }
    for (auto& r : receives) {
        EXPECT_TRUE(until([&] { return r->bytes == sent; })) << r->bytes << " of " << sent;
    }
    for (auto& a : attached) end(a);
}

TEST_P(uring_owners, a_connect_goes_on_with_another_thread) {
    fd l = listener(0);
    const auto to = name_of(l);
    std::vector<fd> others;  // the queue is full: connects wait
    for (int i = 0; i < 4; ++i) {
        others.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        ::connect(others.back(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
    std::this_thread::sleep_for(milliseconds(20));
    const fd s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto a = attach(s);
    noted c(verb::connect, a.get());
    ring->start(c.with_address(&to));
    std::thread([&] {
        settle_down();
        EXPECT_FALSE(c.has_ended);
        ring->rest();
    }).join();
    settle_down();
    EXPECT_FALSE(c.has_ended);
    for (int i = 0; i < 6 && !c.has_ended; ++i) {
        const fd accepted(::accept(l, nullptr, nullptr));
        (void)until([&] { return c.has_ended; }, milliseconds(1500));
        if (c.has_ended) break;
    }
    EXPECT_EQ(c.last(), 0);
}

TEST_P(uring_owners, sockets_are_made_quiet_after_the_thread_of_the_loop_has_gone) {
    for (const bool rested : {true, false}) {
        make({});
        two p = stream_pair();
        const fd l = listener();
        everything all;
        auto a = attach(p.one), b = attach(l);
        all.fill(a.get());
        all.add(verb::accept, b.get(), true);
        std::thread([&] {
            for (auto& op : all.ops) ring->start(*op);
            settle_down();
            if (rested) ring->rest();
        }).join();
        ring->quiet(*a);
        ring->quiet(*b);
        for (auto& op : all.ops) op->memory.assign(op->memory.size(), '#');
        completion c;
        std::size_t ended = 0;
        for (auto& op : all.ops) ended += op->has_ended ? 1 : 0;
        while (ring->next(c)) {
            EXPECT_EQ(c.result, aborted_result());
            EXPECT_FALSE(c.more);
            ++ended;
        }
        EXPECT_EQ(ended, all.ops.size());
        EXPECT_TRUE(a->first == nullptr && b->first == nullptr);
        ring.reset();
    }
}

TEST_P(uring_owners, a_forked_child_lets_go_and_the_parent_goes_on) {
    two p = stream_pair();
    auto a = attach(p.one);
    noted r(verb::receive, a.get(), true);
    ring->start(r);
    settle_down();
    const pid_t child = ::fork();
    if (child == 0) {
        ring.reset();
        ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    write_to(p.other, "still there");
    EXPECT_TRUE(until([&] { return r.bytes == "still there"; }));
    end(a);
}

TEST_P(uring_owners, a_loop_that_is_run_for_moments_keeps_its_operations) {
    two p = stream_pair();
    auto a = attach(p.one);
    noted r(verb::receive, a.get(), true);
    ring->start(r);
    std::string sent;
    for (int i = 0; i < 300; ++i) {
        write_to(p.other, "ab");
        sent += "ab";
        ring->look();
        deliver();
        ring->rest();
    }
    EXPECT_TRUE(until([&] { return r.bytes == sent; }));
    end(a);
}

}  // namespace
