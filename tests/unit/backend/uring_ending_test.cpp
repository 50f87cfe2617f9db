// Operations that are called off: by one, by socket, with the backend, while their results are on the way.
#include "unit/backend/uring_ground.hpp"

#include <cstring>
#include <random>

namespace {

using namespace berth_test;

class uring_ending : public uring_ground {};
INSTANTIATE_TEST_SUITE_P(kernels, uring_ending, testing::ValuesIn(modes()), mode_name);

TEST_P(uring_ending, a_result_that_was_first_wins_over_cancel_and_no_byte_is_lost) {
    std::mt19937 random(7);
    two p = stream_pair();
    auto a = attach(p.one);
    std::string sent, got;
    int aborted = 0;
    for (int i = 0; i < 2000; ++i) {
        noted r(verb::receive, a.get());
        ring->start(r.with_room(10));
        const auto dice = random() % 6;
        if (dice != 0) ring->look();
        if (dice % 2 == 0) {
            sent += static_cast<char>('a' + i % 26);
            write_to(p.other, sent.substr(sent.size() - 1));
        }
        if (dice == 2) ring->look();
        ring->cancel(r);
        if (dice == 3) ring->cancel(r);
        ASSERT_TRUE(until([&] { return r.has_ended; }));
        ASSERT_EQ(r.results.size(), 1U);
        ASSERT_TRUE(r.last() >= 0 || r.last() == aborted_result()) << r.last();
        got += r.bytes;
        aborted += r.last() < 0 ? 1 : 0;
    }
    EXPECT_GT(aborted, 100);
    p.other.close();
    noted rest(verb::receive, a.get(), true);
    ring->start(rest);
    ASSERT_TRUE(until([&] { return rest.has_ended; }));
    EXPECT_TRUE(got + rest.bytes == sent);
}

TEST_P(uring_ending, cancel_ends_one_that_goes_on_and_what_came_before_is_delivered) {
    const fd l = listener();
    auto a = attach(l);
    for (int round = 0; round < 20; ++round) {
        noted x(verb::accept, a.get(), true);
        ring->start(x);
        if (round % 2 == 0) settle_down();
        const fd c = connected_to(name_of(l)), d = connected_to(name_of(l));
        ring->look();
        if (round % 3 == 0) ring->look();
        ring->cancel(x);
        ASSERT_TRUE(until([&] { return x.has_ended; }));
        EXPECT_EQ(x.last(), aborted_result());
        EXPECT_EQ(x.accepted.size(), x.results.size() - 1);
        for (fd more; x.accepted.size() < 2;) {
            x.accepted.emplace_back(::accept4(l, nullptr, nullptr, SOCK_NONBLOCK));
            ASSERT_GE(x.accepted.back(), 0) << "a client was lost in round " << round;
        }
    }
}

TEST_P(uring_ending, after_quiet_nothing_is_touched_and_each_ends_aborted_once) {
    for (int round = 0; round < 40; ++round) {
        two p = stream_pair();
        auto a = attach(p.one);
        everything all;
        all.fill(a.get());
        for (auto& op : all.ops) ring->start(*op);
        for (int i = 0; i < round % 4; ++i) ring->look();
        if (round % 3 == 0) write_to(p.other, std::string(100'000, 'y'));
        if (round % 8 >= 4) ring->look();
        if (round % 5 == 0) {
            for (std::size_t i = 0; i < all.ops.size(); i += 3) ring->cancel(*all.ops[i]);
        }
        if (round % 7 == 0) deliver();
        ring->quiet(*a);
        for (auto& op : all.ops) {
            if (op->has_ended) continue;
            op->memory.assign(op->memory.size(), '#');  // theirs again
            if (round % 2 == 0) op->with_room(1);       // freed: the sanitizer watches
        }
        // An older kernel does its work for the ring whenever this thread leaves a system call.
        ::send(p.other, "late", 4, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (round % 2 == 0) p.one.close();
        std::vector<bool> had_ended;
        for (auto& op : all.ops) had_ended.push_back(op->has_ended);
        for (auto& op : all.ops) op->results.clear();
        ASSERT_TRUE(until([&] { return all.have_all_ended(); }));
        for (std::size_t i = 0; i < all.ops.size(); ++i) {
            if (had_ended[i]) continue;
            EXPECT_EQ(all.ops[i]->results, std::vector<int>{aborted_result()}) << i;
            EXPECT_EQ(all.ops[i]->memory.find_first_not_of(std::string("#\0", 2)), std::string::npos) << i;
        }
        EXPECT_EQ(a->first, nullptr);
    }
}

TEST_P(uring_ending, clients_and_buffers_taken_before_quiet_are_given_back) {
    make({.buffer_size = 512, .buffer_count = 2});
    settle_down();
    for (int round = 0; round < 12; ++round) {
        const fd l = listener();
        two p = stream_pair();
        auto a = attach(l), b = attach(p.one);
        noted x(verb::accept, a.get(), round % 2 == 0), r(verb::receive, b.get(), true);
        ring->start(x);
        ring->start(r);
        if (round % 4 < 2) settle_down();
        const auto before = open_descriptors() + 2;
        const fd c = connected_to(name_of(l)), d = connected_to(name_of(l));
        write_to(p.other, std::string(2000, 'z'));
        for (int i = 0; i < 3; ++i) ring->look();
        if (round % 3 == 0) ring->wait(clock::now() + milliseconds(1));
        ring->quiet(*a);
        ring->quiet(*b);
        ASSERT_TRUE(until([&] { return x.has_ended && r.has_ended; }));
        EXPECT_EQ(x.results, std::vector<int>{aborted_result()});
        EXPECT_EQ(r.results, std::vector<int>{aborted_result()});
        EXPECT_EQ(r.bytes, "");
        EXPECT_EQ(open_descriptors(), before);
    }
    two p = stream_pair();  // no buffer was lost
    auto b = attach(p.one);
    keeps_buffers = true;
    noted r(verb::receive, b.get(), true);
    ring->start(r);
    write_to(p.other, std::string(1024, 'z'));
    EXPECT_TRUE(until([&] { return r.bytes.size() == 1024; })) << r.bytes.size();
    give_back(r);
    end(b);
}

TEST_P(uring_ending, bytes_that_came_before_the_cancel_are_lent_and_then_it_ends) {
    two p = stream_pair();
    auto a = attach(p.one);
    for (int i = 0; i < 10; ++i) {
        noted r(verb::receive, a.get(), true);
        ring->start(r);
        settle_down();
        write_to(p.other, "came");
        ring->look();
        ring->look();
        ring->cancel(r);
        ASSERT_TRUE(until([&] { return r.has_ended; }));
        EXPECT_EQ(r.results, (std::vector<int>{4, aborted_result()}));
        EXPECT_EQ(r.bytes, "came");
        EXPECT_EQ(r.lent.data, nullptr);
    }
}

// The memory of each is filled with something else as soon as it has ended, and used for the next.
TEST_P(uring_ending, memory_of_an_ended_operation_can_be_used_for_another_at_once) {
    make({.entries = 8});
    std::mt19937 random(11);
    constexpr std::size_t count = 24;
    std::vector<two> pairs;
    std::vector<std::unique_ptr<attachment>> sockets;
    for (std::size_t i = 0; i < count; ++i) {
        int s[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
        pairs.push_back({fd(s[0]), fd(s[1])});
        sockets.push_back(attach(pairs[i].one));
    }
    alignas(noted) static std::byte memory[count][sizeof(noted)];
    std::vector<noted*> living(count);
    const auto make_one = [&](std::size_t i) {
        auto* const socket = sockets[random() % count].get();
        const bool many = random() % 3 == 0;
        const verb v = random() % 4 == 0 ? verb::writable : verb::receive;
        living[i] = ::new (memory[i]) noted(v, socket, many && v == verb::receive);
        if (!many) living[i]->with_room(5);
        ring->start(*living[i]);
    };
    std::size_t ended = 0;
    for (std::size_t i = 0; i < count; ++i) make_one(i);
    for (int step = 0; step < 5000; ++step) {
        if (random() % 2 == 0) write_to(pairs[random() % count].other, "byte");
        if (random() % 2 == 0) ring->cancel(*living[random() % count]);
        if (random() % 16 == 0) ring->quiet(*sockets[random() % count]);
        if (random() % 3 == 0) ring->look();
        deliver_all();
        for (std::size_t i = 0; i < count; ++i) {
            if (!living[i]->has_ended) continue;
            ASSERT_EQ(living[i]->state, 0);
            living[i]->~noted();
            std::memset(memory[i], 0xee, sizeof memory[i]);
            make_one(i);
            ++ended;
        }
    }
    EXPECT_GT(ended, 2000U);
    for (auto& a : sockets) ring->quiet(*a);
    ASSERT_TRUE(until([&] {
        for (auto* op : living) {
            if (!op->has_ended) return false;
        }
        return true;
    }));
    for (auto* op : living) op->~noted();
}

TEST_P(uring_ending, the_backend_can_go_with_operations_under_way) {
    for (int looks = 0; looks < 4; ++looks) {
        make({});
        two p = stream_pair();
        const fd l = listener();
        everything all;
        {
            auto a = attach(p.one), b = attach(l);
            all.fill(a.get());
            all.add(verb::accept, b.get(), true);
            for (auto& op : all.ops) ring->start(*op);
            for (int i = 0; i < looks; ++i) ring->look();
            write_to(p.other, "text");
            const fd c = connected_to(name_of(l));
            if (looks == 3) ring->wait(clock::now() + milliseconds(10));
            ring.reset();
        }
        for (auto& op : all.ops) op->memory.assign(op->memory.size(), '#');
        write_to(p.other, "text");
        for (auto& op : all.ops) {
            EXPECT_EQ(op->memory.find_first_not_of('#'), std::string::npos);
        }
    }
}

}  // namespace
