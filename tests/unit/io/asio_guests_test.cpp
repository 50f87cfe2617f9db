// An I/O object of Asio's own on a berth::io_context is named and refused; what asio::ssl::stream needs of one works.
#include <berth/steady_timer.hpp>

#include <asio.hpp>

#include <functional>
#include <string>
#include <thread>

#include "support/sockets.hpp"
#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;

struct guest {
    const char* name;
    const char* remedy;
    std::function<std::shared_ptr<void>(berth::io_context&)> make;
};

template <class Object>
std::shared_ptr<void> made(berth::io_context& context) {
    return std::make_shared<Object>(context.get_executor());
}

const guest all_guests[] = {
    {"asio::ip::tcp::socket", "berth::tcp_socket", made<asio::ip::tcp::socket>},
    {"acceptor", "berth::tcp_acceptor", made<asio::ip::tcp::acceptor>},
    {"asio::ip::udp::socket", "berth::udp_socket", made<asio::ip::udp::socket>},
    {"asio::ip::tcp::resolver", "berth::tcp_resolver", made<asio::ip::tcp::resolver>},
    {"asio::ip::udp::resolver", "berth::udp_resolver", made<asio::ip::udp::resolver>},
    {"asio::signal_set", "berth::signal_set", made<asio::signal_set>},
    {"asio::system_timer", "berth::steady_timer", made<asio::system_timer>},
    {"asio::steady_timer", "berth::steady_timer",
     [](berth::io_context& context) {
         auto timer = std::make_shared<asio::steady_timer>(context.get_executor(), 20ms);
         timer->async_wait([](error_code) {});
         return timer;
     }},
#if defined(ASIO_HAS_LOCAL_SOCKETS)
    {"asio::local", "asio::io_context", made<asio::local::stream_protocol::socket>},
#endif
#if defined(ASIO_HAS_POSIX_STREAM_DESCRIPTOR)
    {"asio::posix", "asio::io_context", made<asio::posix::stream_descriptor>},
#endif
};

/// Asio's completion port waits for its timers in a thread; elsewhere berth lends them a scheduler without one.
constexpr bool timers_have_a_thread = !std::is_same_v<asio::detail::scheduler, asio::detail::io_context_impl>;

class asio_guests : public by_backend {
protected:
    void expect_refusal(const guest& g) {
        try {
            context().run_for(5s);
            ADD_FAILURE() << g.name << " was not noticed";
        } catch (const std::system_error& e) {
            const std::string what = e.what();
            EXPECT_EQ(e.code(), std::errc::invalid_argument);
            EXPECT_NE(what.find(g.name), std::string::npos) << what;
            EXPECT_NE(what.find(g.remedy), std::string::npos) << what;
        }
    }
};
BERTH_BY_BACKEND(asio_guests);

TEST_P(asio_guests, each_kind_is_named_with_its_remedy) {
    berth::steady_timer(context(), 1ms).async_wait([](error_code) {});  // the system's own threads are there afterwards
    run();
    const std::size_t before = berth::test::threads_now();
    for (const guest& g : all_guests) {
        SCOPED_TRACE(g.name);
        SetUp();  // a context of its own
        const auto object = g.make(context());
        expect_refusal(g);
        if (timers_have_a_thread && std::string_view(g.name).ends_with("timer")) continue;
        EXPECT_EQ(berth::test::threads_now(), before) << "a thread was started for it";
    }
}

TEST_P(asio_guests, one_that_is_made_while_run_is_under_way_is_noticed_though_the_loop_sleeps) {
    const auto guard = asio::make_work_guard(context());
    const guest* const chosen[] = {&all_guests[0], &all_guests[3], &all_guests[7]};
    for (const guest* g : chosen) {
        SCOPED_TRACE(g->name);
        auto own = std::make_unique<berth::io_context>(berth::io_context_options{.backend = GetParam()});
        std::swap(own, context_);
        const auto work = asio::make_work_guard(context());
        std::shared_ptr<void> object;
        berth::steady_timer later(context(), 10ms);
        later.async_wait([&](error_code) { object = g->make(context()); });
        const auto before = std::chrono::steady_clock::now();
        expect_refusal(*g);
        EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
        object.reset();
        std::swap(own, context_);
    }
}

TEST_P(asio_guests, a_timer_that_never_expires_may_be_waited_for_and_cancelled) {
    if (timers_have_a_thread) GTEST_SKIP() << "Asio's timers have a thread of their own here, and are refused";
    const std::size_t before = berth::test::threads_now();
    asio::steady_timer gate(context().get_executor());
    gate.expires_at(asio::steady_timer::time_point::max());
    int ended = 0;
    for (int i = 0; i < 3; ++i) {
        gate.async_wait([&](error_code ec) {
            EXPECT_EQ(ec, asio::error::operation_aborted);
            EXPECT_TRUE(context().get_executor().running_in_this_thread());
            ++ended;
        });
    }
    berth::steady_timer later(context(), 700ms);  // an inspection comes in between
    later.async_wait([&](error_code) { gate.expires_at(asio::steady_timer::time_point::min()); });
    run();
    EXPECT_EQ(ended, 3);
    EXPECT_EQ(berth::test::threads_now(), before);
    gate.expires_at(asio::steady_timer::time_point::max());
    gate.async_wait([&](error_code) { throw std::runtime_error("from a handler"); });
    gate.async_wait([&](error_code) { ++ended; });
    asio::post(context(), [&] { gate.cancel(); });
    EXPECT_THROW(context().run(), std::runtime_error);
    run();
    EXPECT_EQ(ended, 4) << "the handler behind the one that threw";
}

TEST_P(asio_guests, a_wait_that_never_ended_is_destroyed_with_the_context) {
    if (timers_have_a_thread) GTEST_SKIP() << "Asio's timers have a thread of their own here, and are refused";
    const auto alive = std::make_shared<int>(0);
    auto gate = std::make_unique<asio::steady_timer>(context().get_executor());
    gate->expires_at(asio::steady_timer::time_point::max());
    gate->async_wait([alive](error_code) {});
    EXPECT_EQ(context().poll(), 0u);
    EXPECT_EQ(alive.use_count(), 2);
    gate.reset();
    context_.reset();
    EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
