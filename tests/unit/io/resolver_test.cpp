// berth's resolvers answer what Asio's answer, from threads of berth's own, and let whoever asked leave at any time.
#include <berth/resolver.hpp>
#include <berth/steady_timer.hpp>

#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>

#include <string>
#include <thread>
#include <vector>

#include "unit/io/resolver_ground.hpp"

namespace {

using namespace io_test;
using asio::ip::tcp;
using berth::tcp_resolver;
using clock_type = std::chrono::steady_clock;

BERTH_BY_BACKEND(resolver);

TEST_P(resolver, numbers_are_answered_without_asking_for_a_name) {
    slow_names::hold();
    tcp_resolver names(context());
    int ended = 0;
    bool inside = true;
    for (const auto& [host, service] : {std::pair{"127.0.0.1", "80"}, {"::1", "443"}, {"", "9"}, {"10.0.0.1", ""}}) {
        names.async_resolve(host, service, [&](error_code ec, const tcp_resolver::results_type& found) {
            EXPECT_FALSE(inside);
            EXPECT_FALSE(ec) << ec.message();
            EXPECT_FALSE(found.empty());
            ++ended;
        });
    }
    inside = false;
    run();
    EXPECT_EQ(ended, 4);
    EXPECT_EQ(slow_names::asked(), 0);
}

TEST_P(resolver, answers_are_those_of_asios_own) {
    asio::io_context plain;
    tcp::resolver theirs(plain);
    tcp_resolver ours(context());
    using flags = tcp_resolver::flags;
    struct question {
        const char *host, *service;
        flags how;
    };
    const question all[] = {
        {"127.0.0.1", "80", {}},
        {"::1", "80", {}},
        {"localhost", "", {}},
        {"localhost", "8080", {}},
        {"", "80", flags()},
        {"", "80", tcp_resolver::passive},
        {"none.test", "80", {}},
        {"later.test", "80", {}},
        {"127.0.0.1", "no-such-service", {}},
        {"127.0.0.1", "99999999", {}},
        {"not a number", "80", tcp_resolver::numeric_host},
        {"127.0.0.1", "http", tcp_resolver::numeric_service},
        {"localhost", "80", tcp_resolver::canonical_name},
        {"127.0.0.1", "80", tcp_resolver::v4_mapped},
    };
    for (const auto& [host, service, how] : all) {
        for (const bool v6 : {false, true}) {
            SCOPED_TRACE(std::string(host) + ":" + service);
            const tcp protocol = v6 ? tcp::v6() : tcp::v4();
            error_code want_error, ec, later;
            const auto want = theirs.resolve(protocol, host, service, how, want_error);
            const auto got = ours.resolve(protocol, host, service, how, ec);
            tcp_resolver::results_type async_got;
            ours.async_resolve(protocol, host, service, how, [&](error_code e, auto found) {
                later = e;
                async_got = found;
            });
            run();
            EXPECT_EQ(ec, want_error) << ec.message() << ", and not " << want_error.message();
            EXPECT_EQ(later, want_error) << later.message();
            for (const auto& mine : {got, async_got}) {
                ASSERT_EQ(mine.size(), want.size());
                for (auto w = want.begin(), g = mine.begin(); w != want.end(); ++w, ++g) {
                    EXPECT_EQ(g->endpoint(), w->endpoint());
                    EXPECT_EQ(g->host_name(), w->host_name());
                    EXPECT_EQ(g->service_name(), w->service_name());
                }
            }
        }
    }
}

TEST_P(resolver, endpoints_are_named_as_asio_names_them) {
    asio::io_context plain;
    berth::udp_resolver ours(context());
    asio::ip::udp::resolver theirs(plain);
    const asio::ip::udp::endpoint endpoint(asio::ip::address_v4::loopback(), 53);
    const auto want = theirs.resolve(endpoint);
    auto got = ours.async_resolve(endpoint, asio::use_future);
    run();
    const auto found = got.get();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found.begin()->endpoint(), endpoint);
    EXPECT_EQ(found.begin()->host_name(), want.begin()->host_name());
    EXPECT_EQ(found.begin()->service_name(), want.begin()->service_name());
    EXPECT_EQ(ours.resolve(endpoint).begin()->host_name(), want.begin()->host_name());
}

TEST_P(resolver, failures_are_thrown_by_the_throwing_form) {
    tcp_resolver names(context());
    try {
        names.resolve("none.test", "80");
        ADD_FAILURE() << "there is no such host";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), asio::error::host_not_found);
    }
}

TEST_P(resolver, there_are_never_more_than_four_threads_and_all_are_answered) {
    slow_names::hold();
    tcp_resolver names(context());
    int ended = 0;
    for (int i = 0; i < 20; ++i) {
        names.async_resolve("slow" + std::to_string(i), "1", [&](error_code ec, auto) {
            EXPECT_FALSE(ec);
            ++ended;
        });
    }
    wait_for_slow(4);
    slow_names::let_go();
    run();
    EXPECT_EQ(ended, 20);
    EXPECT_EQ(slow_names::most_at_once(), 4);
}

TEST_P(resolver, cancel_ends_a_lookup_at_once_and_the_late_answer_is_dropped) {
    slow_names::hold();
    tcp_resolver names(context());
    int ended = 0;
    const auto note = [&](error_code ec, const tcp_resolver::results_type& found) {
        EXPECT_EQ(ec, asio::error::operation_aborted);
        EXPECT_TRUE(found.empty());
        ++ended;
    };
    names.async_resolve("slow.test", "80", note);
    names.async_resolve("slow.too", "80", note);
    wait_for_slow(2);
    const auto before = clock_type::now();
    asio::post(context(), [&] { names.cancel(); });
    run();
    EXPECT_EQ(ended, 2);
    EXPECT_LT(clock_type::now() - before, 2s);
    slow_names::let_go();
    wait_for_slow(0);
    asio::post(context(), [] {});
    run();
    EXPECT_EQ(ended, 2);
}

TEST_P(resolver, one_lookup_is_cancelled_through_its_slot_and_a_timeout_is_one) {
    using namespace asio::experimental::awaitable_operators;
    slow_names::hold();
    bool ended = false;
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            tcp_resolver names(context());
            berth::steady_timer limit(context(), 20ms);
            const auto first = co_await (names.async_resolve("slow.test", "80", asio::use_awaitable) ||
                                         limit.async_wait(asio::use_awaitable));
            EXPECT_EQ(first.index(), 1u);
            ended = true;
        },
        asio::detached);
    run();
    EXPECT_TRUE(ended);
}

TEST_P(resolver, a_resolver_that_goes_ends_its_lookups) {
    slow_names::hold();
    error_code heard;
    {
        tcp_resolver names(context());
        names.async_resolve("slow.test", "80", [&](error_code ec, auto) { heard = ec; });
        auto moved = std::move(names);
        names.cancel();
        EXPECT_EQ(context().poll(), 0u) << "it went with the resolver it was moved to";
    }
    run();
    EXPECT_EQ(heard, asio::error::operation_aborted);
}

TEST_P(resolver, a_context_is_destroyed_without_waiting_for_its_lookups) {
    slow_names::hold();
    const auto alive = std::make_shared<int>(0);
    for (int i = 0; i < 3; ++i) {
        auto own = std::make_unique<berth::io_context>(berth::io_context_options{.backend = GetParam()});
        auto names = std::make_shared<tcp_resolver>(*own);
        for (int k = 0; k < 3; ++k) {
            names->async_resolve("slow.test", "80", [alive, names](error_code, auto) { ADD_FAILURE(); });
        }
        for (int n = 0; i == 2 && n < 5000 && slow_names::waiting() == 0; ++n) std::this_thread::sleep_for(1ms);
        const auto before = clock_type::now();
        names.reset();
        own.reset();
        EXPECT_LT(clock_type::now() - before, 2s);
    }
    EXPECT_EQ(alive.use_count(), 1);
    slow_names::let_go();
    wait_for_slow(0);
}

TEST_P(resolver, answers_race_with_cancels_and_each_handler_runs_once) {
    int ended = 0;
    constexpr int rounds = 200;
    for (int i = 0; i < rounds; ++i) {
        tcp_resolver names(context());
        names.async_resolve("slow.test", "80", [&](error_code, auto) { ++ended; });
        if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 50));
        if (i % 2 == 0) names.cancel();
        if (i % 5 != 0) context().poll();
        context().restart();
    }
    run();
    EXPECT_EQ(ended, rounds);
}

TEST_P(resolver, any_executor_and_other_threads_will_do) {
    berth::basic_resolver<tcp, asio::any_io_executor> names(context().get_executor());
    const auto guard = asio::make_work_guard(context());
    std::thread runner([&] { context().run(); });
    for (const char* host : {"localhost", "127.0.0.1", "slow.test"}) {
        auto found = names.async_resolve(host, "80", asio::use_future);
        EXPECT_FALSE(found.get().empty());
    }
    context().stop();
    runner.join();
}

}  // namespace
