// Contexts, sockets, timers, names and signals on both backends: each call, each piece of memory and each entry of
// the ring failing once.
#include "faults/datagram_acts.hpp"
#include "faults/stream_acts.hpp"

#include <csignal>
#include <set>

namespace berth::test {
namespace {

outcome made(world&, backend_choice backend) {
    io_context context({.backend = backend, .entries = 64, .lent_buffer_count = 16});
    bool ran = false;
    asio::post(context, [&] { ran = true; });
    context.run_for(2s);
    EXPECT_TRUE(ran);
    return {};
}

outcome posts(world& w) {
    bool ran = false;
    asio::post(w.context, [&] { ran = true; });
    w.context.restart();
    w.context.run_for(2s);
    EXPECT_TRUE(ran);
    return {};
}

outcome waits_for_a_time(world& w) {
    auto& result = w.begin();
    steady_timer timer(w.context, 1ms);
    timer.async_wait([&](error_code ec) { result = ec; });
    return w.run();
}

/// More at once than the context has memory for from the start.
outcome waits_for_many_times(world& w) {
    w.begin();
    std::size_t begun = 0;
    steady_timer timer(w.context, 1ms);
    for (; begun < 300; ++begun) timer.async_wait([&w](error_code) { ++w.count; });
    while (w.count < begun) {
        w.context.restart();
        if (w.context.run_for(1s) == 0) return of(std::make_error_code(std::errc::timed_out));
    }
    return {};
}

outcome has_a_handle(world& w) {
    EXPECT_GE(w.context.native_wait_handle(), 0);
    return {};
}

outcome hears_signals(world& w) {
    auto& result = w.begin();
    signal_set signals(w.context);
    signals.add(SIGUSR1);
    signals.async_wait([&](error_code ec, int) { result = ec; });
    {
        const stands_apart apart;
        ::raise(SIGUSR1);
    }
    return w.run();
}
outcome resolves(world& w) {
    error_code ec;
    tcp_resolver resolver(w.context);
    const auto all = resolver.resolve("127.0.0.1", "80", ec);
    EXPECT_EQ(all.empty(), static_cast<bool>(ec));
    return of(ec);
}
outcome resolves_later(world& w) {
    auto& result = w.begin();
    tcp_resolver resolver(w.context);
    resolver.async_resolve("localhost", "80", [&](error_code ec, const auto&) { result = ec; });
    return w.run();
}

std::vector<scenario> all_scenarios() {
    std::vector<scenario> all;
    const auto add = [&](const char* name, outcome (*act)(world&)) { add_io(all, name, act); };
    const auto without_calls = [&](int of, const char* why) {
        for (auto s = all.end() - of; s != all.end(); ++s) s->no_calls = why;
    };
    for (const auto backend : {backend_choice::io_uring, backend_choice::asio}) {
        const bool is_ring = backend == backend_choice::io_uring;
        scenario s;
        s.name = is_ring ? "io_context_uring" : "io_context_epoll";
        s.make = [=] {
            return std::make_unique<io_stage>(backend, [=](world& w) { return made(w, backend); });
        };
        s.stays = true;
        s.also = {{errc::operation_not_supported}, "as io_context.hpp has it; its words name the call and the remedy"};
        all.push_back(s);
    }
    add("post", posts);
    without_calls(2, "nothing is asked of the system: the handler is there already");
    add("timer", waits_for_a_time);
    add("many_timers", waits_for_many_times);
    add_io(all, "native_wait_handle", has_a_handle, true);
    add("open", opens);
    add("assign", assigns);
    add("acceptor", listens);
    add("udp_bind", binds_udp);
    add("options", options);
    add("connect", connects);
    add("async_connect", connects_later);
    add("async_connect_range", connects_to_one_of);
    for (auto s = all.end() - 4; s != all.end(); ++s) {
        s->also = {{asio::error::no_buffer_space}, "Asio's word for EAGAIN: no port is left to connect from"};
    }
    add("accept", accepts);
    add("async_accept", accepts_later);
    add("async_accept_each", accepts_each);
    add("receive", receives);
    add("async_read", receives_later);
    add("async_receive_each", receives_each);
    add_io(all, "first_receive_each", receives_each, true);
    add("tcp_receiver", asks_a_receiver);
    add("async_wait", waits_to_read);
    add("send", sends);
    add("async_write", sends_later);
    add("tcp_writer", writes);
    add("cancel_after", is_in_time);
    add("send_to", sends_to);
    add("async_send_to", sends_to_later);
    add("receive_from", receives_from);
    add("async_receive_from", receives_from_later);
    add("async_receive_from_empty", waits_for_a_datagram);
    add("udp_receive_each", receives_datagrams);
    add("receive_details", asks_for_details);
    add("udp_writer", writes_datagrams);
    add("signal_set", hears_signals);
    add("resolve", resolves);
    add("async_resolve", resolves_later);
    for (scenario& s : all) {
        const auto name = s.name.substr(0, s.name.rfind('_'));
        const bool is_ring = s.name.ends_with("uring");
        static const std::set<std::string> synchronous{"post",    "native_wait_handle", "options",         "receive", "send",
                                                       "send_to", "receive_from",       "receive_details", "udp_writer"};
        static const std::set<std::string> more{"io_context", "timer",        "many_timers", "async_connect_range",
                                                "signal_set", "tcp_receiver", "resolve",     "cancel_after",
                                                "async_resolve"};
        if (synchronous.contains(name)) s.no_memory = "it takes none, or what the context has had since its making";
        if (is_ring && s.no_memory[0] == '\0' && !more.contains(name)) {
            s.no_memory = "the context has had it since its making: see many_timers";
        }
    }
    return all;
}

/// What goes through the ring: the rest asks the system by calls, or asks for nothing.
std::vector<scenario> of_ring() {
    static const std::set<std::string> entries{"async_connect_uring",  "async_connect_range_uring",
                                               "async_accept_uring",   "async_accept_each_uring",
                                               "async_read_uring",     "async_receive_each_uring",
                                               "async_wait_uring",     "first_receive_each_uring",
                                               "async_write_uring",    "tcp_receiver_uring",
                                               "tcp_writer_uring",     "cancel_after_uring",
                                               "udp_receive_each_uring", "async_receive_from_empty_uring"};
    auto all = all_scenarios();
    std::erase_if(all, [](const scenario& s) { return !entries.contains(s.name); });
    return all;
}

BERTH_FAULTS(all_scenarios());

TEST_P(faults_of_ring, each_once) {
    if (!entries_can_fail()) GTEST_SKIP() << "this kernel's NOP does not end as it is told";
    fail_each(GetParam(), fault_kind::ring);
}
INSTANTIATE_TEST_SUITE_P(of, faults_of_ring, testing::ValuesIn(of_ring()), testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
