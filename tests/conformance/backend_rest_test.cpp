// The owner leaves, another comes: between them the kernel touches nothing, and nothing is lost.
#include "conformance/backend_ending.hpp"

#include <thread>

namespace backend_suite {
namespace {

class backend_resting : public backend_ending {
protected:
    /// In another thread, as its next owner, which rests when it leaves.
    template <class Visit>
    void elsewhere(Visit visit) {
        std::thread([&] {
            visit();
            engine().rest();
        }).join();
    }
};

TEST_P(backend_resting, the_memory_of_resting_operations_is_not_touched_and_the_next_owner_ends_them_in_order) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    std::deque<request> all;
    for (int i = 0; i < 10; ++i) start(all.emplace_back(verb::receive, 1, '-'), a);
    settle(1ms);
    engine().rest();
    ASSERT_TRUE(say(pair.there, "0123456789"));
    std::this_thread::sleep_for(5ms);
    for (const auto& r : all) EXPECT_EQ(r.memory, "-");
    elsewhere([&] { EXPECT_TRUE(run_until([&] { return under_way_.empty(); })); });
    std::string heard;
    for (const auto& r : all) heard += r.memory;
    EXPECT_EQ(heard, "0123456789");
}

TEST_P(backend_resting, results_that_are_there_stay_there) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive, 4), w(verb::writable);
    ASSERT_TRUE(say(pair.there, "ping"));
    start(r, a), start(w, a);
    for (int i = 0; i < 5; ++i) engine().look();
    engine().rest();
    elsewhere([&] {
        EXPECT_EQ(end_of(r), 4);
        EXPECT_EQ(r.received(), "ping");
        EXPECT_EQ(end_of(w), 0);
    });
}

TEST_P(backend_resting, operations_of_every_verb_go_on_under_each_new_owner) {
    stuck_operations o(3);
    start_all(o);
    settle(1ms);
    for (int i = 0; i < 5; ++i) {
        engine().rest();
        elsewhere([&] { EXPECT_EQ(settle(2ms), 0); });
        EXPECT_EQ(settle(2ms), 0);
    }
    engine().rest();
    o.each([&](request& r) { engine().cancel(r); });
    expect_all_aborted(o, 1);
}

TEST_P(backend_resting, what_rests_can_be_made_quiet) {
    stuck_operations o(3);
    start_all(o);
    settle(1ms);
    engine().rest();
    engine().rest();  // twice is once
    for (auto* a : at_) engine().quiet(*a);
    expect_all_aborted(o, 1);
}

TEST_P(backend_resting, operations_started_while_it_rests_begin_with_the_next_owner) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    engine().look();
    engine().rest();
    request s(verb::send, 4, 's'), r(verb::receive, 4);
    start(s, a), start(r, a);
    elsewhere([&] { EXPECT_EQ(end_of(s), 4); });
    EXPECT_EQ(hear(pair.there), "ssss");
    ASSERT_TRUE(say(pair.there, "pong"));
    EXPECT_EQ(end_of(r), 4);
}

TEST_P(backend_resting, what_goes_on_loses_no_client_and_no_datagram) {
    make(few_buffers);
    const auto door = listener(), mine = datagram_socket(), other = datagram_socket();
    request accept(verb::accept), lends(verb::receive);
    accept.many = true;
    start(accept, attach(door)), start(hears_for_good(lends), attach(mine, true));
    std::vector<descriptor> clients;
    for (int i = 0; i < 20; ++i) {
        if (i % 3 == 0) settle(1ms);
        if (i % 2 == 0) engine().rest();
        clients.push_back(connected_to(local_address(door)));
        ASSERT_TRUE(say_to(other, std::to_string(i), local_address(mine)));
        if (i % 5 == 0) elsewhere([&] { settle(1ms); });
    }
    elsewhere([&] { run_until([&] { return accept.results == 20 && lends.results == 20; }); });
    EXPECT_EQ(accept.results, 20);
    ASSERT_EQ(lends.results, 20);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(lends.heard[std::size_t(i)], std::to_string(i));
    for (const int fd : accept.all) descriptor{fd};
}

TEST_P(backend_resting, a_wake_while_it_rests_ends_the_next_wait) {
    for (int i = 0; i < 20; ++i) {
        if (i % 2 == 0) engine().wake();
        engine().rest();
        if (i % 2 == 1) engine().wake();
        elsewhere([&] { engine().wait(backend::clock::time_point::max()); });
    }
}

INSTANTIATE_TEST_SUITE_P(, backend_resting, testing::ValuesIn(every_backend()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace backend_suite
