// How long a loop is held up while 4,096 ports are reserved on it, and let go of again.
//
// Turns are measured in processor time of the loop's thread, so that other programs on the machine do not count. The
// limit is generous; the figure is printed.
#include "unit/io/by_backend.hpp"

#include <berth/async_reserve.hpp>
#include <berth/listener_pool.hpp>
#include <berth/steady_timer.hpp>

#include <asio.hpp>

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <iostream>
#include <numeric>

namespace {

using namespace io_test;
using berth::port_reservation;
using microseconds = std::chrono::duration<double, std::micro>;

microseconds thread_time() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return microseconds(static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3);
}

/// A handler that is always there again: what lies between two of its calls is a turn of somebody else's.
struct ticking {
    berth::io_context& context;
    const bool& stop;
    microseconds last = thread_time();
    std::vector<double> turns{};
    void tick() {
        const auto now = thread_time();
        turns.push_back((now - last).count());
        last = now;
        if (!stop) asio::post(context, [this] { tick(); });
    }
    void tell(const char* what) {
        std::sort(turns.begin(), turns.end());
        std::cout << what << ": " << turns.size() << " turns, median " << turns[turns.size() / 2] << " us, 99 in 100 "
                  << turns[turns.size() * 99 / 100] << " us, longest " << turns.back() << " us\n";
    }
};

/// A timer that is due a millisecond after it was: it beats as long as the loop looks at its timers.
struct metronome {
    berth::steady_timer timer;
    const bool& stop;
    std::size_t beats = 0;
    void beat() {
        ++beats;
        if (stop) return;
        timer.expires_after(1ms);
        timer.async_wait([this](error_code ec) {
            if (!ec) beat();
        });
    }
};

class reserve_turns : public by_backend {
protected:
    void SetUp() override {
        by_backend::SetUp();
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < 13000) GTEST_SKIP() << "the hard limit of descriptors is " << limit.rlim_max;
    }
    /// Turns and beats while `stop` is not set; before_each(turns so far).
    template <class BeforeEach>
    void tick_until(const bool& stop, const char* what, BeforeEach before_each) {
        ticking ticks{context(), stop};
        metronome beats{berth::steady_timer(context()), stop};
        const auto began = std::chrono::steady_clock::now();
        ticks.tick();
        beats.beat();
        while (!stop) {
            before_each(ticks.turns.size());
            context().run_one();
        }
        const auto took = std::chrono::steady_clock::now() - began;
        run();
        ticks.tell(what);
        std::cout << beats.beats << " beats of a timer in " << std::chrono::duration<double, std::milli>(took).count()
                  << " ms\n";
        EXPECT_LT(ticks.turns.back(), 20'000) << "a turn held the loop up";
        EXPECT_LT(ticks.turns[ticks.turns.size() * 95 / 100], 5'000);
        const double work = std::accumulate(ticks.turns.begin(), ticks.turns.end(), 0.0) / 1000;  // ms
        const double at_most = std::min(work / 3, static_cast<double>(ticks.turns.size()) / 4);  // slow turns are few
        EXPECT_GT(static_cast<double>(beats.beats), at_most) << "timers and I/O have to wait for many turns";
    }
    void measure(berth::transport protocol, bool cancelled) {
        bool stop = false;
        berth::reservation_request request;
        request.block.count = 4096;
        request.protocol = protocol;
        asio::cancellation_signal signal;
        error_code ended;
        port_reservation ports;
        berth::failure why;
        port_reservation::async_reserve(
            context(), request, why,
            asio::bind_cancellation_slot(signal.slot(), [&](error_code ec, port_reservation p) {
                ended = ec, ports = std::move(p), stop = true;
            }));
        const char* const what = cancelled ? "called off" : protocol == berth::transport::udp ? "UDP" : "TCP";
        tick_until(stop, what, [&](std::size_t turns) {
            if (cancelled && turns == 150) signal.emit(asio::cancellation_type::terminal);
        });
        EXPECT_EQ(ended, cancelled ? error_code(asio::error::operation_aborted) : error_code()) << why.what;
    }
};
BERTH_BY_BACKEND(reserve_turns);

TEST_P(reserve_turns, of_4096_udp_ports_are_short) { measure(berth::transport::udp, false); }
TEST_P(reserve_turns, of_4096_tcp_ports_are_short) { measure(berth::transport::tcp, false); }
TEST_P(reserve_turns, of_a_pool_that_stops_are_short) {
    berth::reservation_request request;
    request.block.count = 4096;
    berth::listener_pool pool(request, {&context()});
    error_code started = asio::error::fault;
    pool.async_start([&](error_code ec) { started = ec; });
    run();
    ASSERT_FALSE(started) << pool.failure().what;
    bool stop = false;
    pool.async_stop([&](error_code ec) {
        EXPECT_FALSE(ec);
        stop = true;
    });
    tick_until(stop, "a pool's stop", [](std::size_t) {});
    EXPECT_EQ(pool.statistics().blocks, 0u);
}

TEST_P(reserve_turns, of_letting_go_are_short_too) { measure(berth::transport::udp, true); }

}  // namespace
