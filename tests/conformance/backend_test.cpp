// The contract of a backend, sentence by sentence, over every sibling: making one, attaching, starting, ending.
//
// The other parts: backend_stream_test, _datagram_, _accept_, _lending_, _wait_, _cancel_, _quiet_, _walk_,
// _allocation_. A backend that this system refuses is skipped with its reason.
#include "conformance/backend_ground.hpp"

#include <asio/error.hpp>

#include <thread>

namespace backend_suite {
namespace {

TEST_P(backend_contract, its_facts_have_a_name_and_do_not_change) {
    EXPECT_EQ(engine().facts().name, GetParam().name);
    const auto* facts = &engine().facts();
    settle(1ms);
    EXPECT_EQ(&engine().facts(), facts);
}

TEST_P(backend_contract, attach_makes_a_socket_non_blocking_and_changes_nothing_else) {
    const auto pair = connected_pair();
    const auto before = facts_of(pair.here.fd());
    attach(pair.here);
    EXPECT_TRUE(is_non_blocking(pair.here));
    EXPECT_EQ(facts_of(pair.here.fd()), before);
}

TEST_P(backend_contract, what_is_not_a_socket_is_refused_and_stays_the_callers) {
    const no_sockets they;
    for (const auto* numbers : {&they.open, &they.nothing}) {
        for (const int fd : *numbers) {
            std::error_code ec;
            EXPECT_EQ(engine().attach(fd, {}, ec), nullptr);
            EXPECT_TRUE(ec.value() == number::not_a_socket || ec.value() == number::bad_descriptor) << ec.message();
        }
    }
    for (const int fd : they.open) EXPECT_TRUE(is_open(fd));
}

TEST_P(backend_contract, a_socket_is_still_open_when_its_attachment_and_its_backend_are_gone) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive, 10);
    start(r, a);
    detach(a);
    EXPECT_TRUE(say(pair.here, "still mine"));
    EXPECT_EQ(hear(pair.there), "still mine");
    attach(pair.here);
    take_down();
    EXPECT_TRUE(say(pair.here, "and now"));
    EXPECT_EQ(hear(pair.there), "and now");
}

TEST_P(backend_contract, a_socket_may_be_attached_again_and_to_another_backend) {
    const auto pair = connected_pair();
    for (int i = 0; i < 3; ++i) {
        auto& a = attach(pair.here);
        request r(verb::receive, 10);
        start(r, a);
        ASSERT_TRUE(say(pair.there, "ping"));
        EXPECT_EQ(end_of(r), 4);
        detach(a);
        make({});
    }
}

TEST_P(backend_contract, start_never_calls_back_and_next_sets_the_out_fields) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    ASSERT_TRUE(say(pair.there, "hello"));
    request r(verb::receive, 10);
    start(r, a);
    EXPECT_EQ(a.first, &r) << "an attachment knows what has not ended";
    const auto c = expect_result();
    EXPECT_EQ(c.op, &r);
    EXPECT_EQ(c.result, 5);
    EXPECT_FALSE(c.more);
    EXPECT_EQ(a.first, nullptr);
    EXPECT_EQ(r.received(), "hello");
    completion none;
    EXPECT_FALSE(engine().next(none));
}

TEST_P(backend_contract, an_operation_may_be_started_again_from_its_own_end) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive, 1);
    const std::string sent = "each letter is a result";
    ASSERT_TRUE(say(pair.there, sent));
    std::string heard;
    start(r, a);
    while (heard.size() < sent.size()) {
        ASSERT_EQ(expect_result().result, 1);
        heard += r.memory;
        start(r, a);
    }
    EXPECT_EQ(heard, sent);
    EXPECT_EQ(settle(), 0);
}

TEST_P(backend_contract, an_operation_may_be_destroyed_when_it_has_ended) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    for (int i = 0; i < 100; ++i) {
        auto r = std::make_unique<request>(verb::send, 3, 'x');
        start(*r, a);
        EXPECT_EQ(end_of(*r), 3);
    }
    EXPECT_EQ(hear_all(pair.there, 300), std::string(300, 'x'));
}

TEST_P(backend_contract, operations_beyond_the_submission_queue_wait_and_each_ends_once) {
    make({.entries = 8});
    constexpr int count = 5000;
    std::vector<descriptor> sockets;
    std::vector<attachment*> at;
    for (int i = 0; i < 10; ++i) {
        sockets.push_back(datagram_socket());
        at.push_back(&attach(sockets.back(), true));
    }
    std::deque<request> all;
    for (int i = 0; i < count; ++i) start(all.emplace_back(verb::writable), *at[std::size_t(i) % at.size()]);
    EXPECT_TRUE(run_until([&] { return under_way_.empty(); }));
    for (const auto& r : all) EXPECT_EQ(r.results, 1);
    EXPECT_EQ(settle(), 0);
}

TEST_P(backend_contract, several_operations_of_each_kind_are_under_way_on_one_socket_at_once) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request receive(verb::receive, 10), send(verb::send, 4, 'x'), readable(verb::readable), writable(verb::writable);
    start(readable, a), start(receive, a), start(writable, a), start(send, a);
    EXPECT_EQ(end_of(send), 4);
    EXPECT_EQ(end_of(writable), 0);
    EXPECT_FALSE(receive.ended());
    EXPECT_FALSE(readable.ended());
    ASSERT_TRUE(say(pair.there, "hello"));
    EXPECT_EQ(end_of(receive), 5);
    EXPECT_EQ(end_of(readable), 0);
}

TEST_P(backend_contract, its_maker_may_start_operations_and_another_thread_then_runs_it) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    request r(verb::receive, 10), s(verb::send, 5, 'y');
    start(r, a), start(s, a);
    std::thread([&] {
        EXPECT_EQ(end_of(s), 5);
        EXPECT_TRUE(say(pair.there, "there"));
        EXPECT_EQ(end_of(r), 5);
        take_down();
    }).join();
}

TEST_P(backend_contract, it_starts_no_thread) {
    const int before = threads_of_this_process();
    make({});
    auto door = listener();
    auto pair = connected_pair();
    const auto datagrams = datagram_socket();
    request accept(verb::accept), receive(verb::receive, 9), readable(verb::readable), error(verb::error);
    request datagram(verb::receive);
    datagram.many = accept.many = true;
    start(accept, attach(door)), start(receive, attach(pair.here));
    start(datagram, attach(datagrams, true));
    auto& there = attach(pair.there);
    start(readable, there), start(error, there);
    settle();
    EXPECT_EQ(threads_of_this_process(), before);
}

TEST_P(backend_contract, a_failure_is_the_result_of_its_operation) {
    auto fresh = new_stream();
    auto& a = attach(fresh);
    request receive(verb::receive, 5), send(verb::send, 5), accept(verb::accept);
    start(receive, a), start(send, a), start(accept, a);
    EXPECT_EQ(end_of(receive), -number::receive_unconnected);
    EXPECT_EQ(end_of(send), -number::send_unconnected);
    EXPECT_EQ(end_of(accept), -number::invalid);
}

INSTANTIATE_TEST_SUITE_P(, backend_contract, testing::ValuesIn(every_backend()),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(refusing_backend, refuses_to_be_made_and_says_where_to_begin) {
    std::string reason;
    EXPECT_EQ(berth::detail::make_refusing_backend({}, reason), nullptr);
    EXPECT_NE(reason.find("refusing_backend.cpp"), std::string::npos) << reason;
}

TEST(aborted_result, is_the_negative_error_number_of_a_cancelled_operation) {
    EXPECT_EQ(std::error_code(-aborted_result(), asio::error::get_system_category()), asio::error::operation_aborted);
}

}  // namespace
}  // namespace backend_suite
