// Draws, gives back, binds and releases of one block at the same time, from all sides; for the thread sanitizer too.
//
// The simulated kernel takes no lock on the fast path and complains about two owners. Every round ends with a
// release, and then nothing may be left: no holder, no descriptor, no core kept alive by a port that nobody will
// return.
#include "support/simulated_provider.hpp"

#include "reservation_core.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

namespace berth::test {
namespace {

constexpr std::uint32_t ports = 8;
constexpr std::uint16_t first_port = 30000;

struct race_settings {
    const char* name;
    if_taken policy;
    std::chrono::milliseconds cool_down;
    bool returns_late;  // workers give back after the release
    bool binds_callers;
};

std::ostream& operator<<(std::ostream& out, const race_settings& s) { return out << s.name; }

class release_race : public testing::TestWithParam<race_settings> {};

/// Lets the threads of one round go once all are there. std::barrier of mingw-w64 (GCC 12) loses a wake-up now and then:
/// its wait looks at the value before it takes the lock under which the last one to come says so.
class starting_line {
public:
    void arrive_and_wait() {
        std::unique_lock lock(mutex_);
        if (--missing_ == 0) complete_.notify_all();
        complete_.wait(lock, [this] { return missing_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable complete_;
    int missing_ = 4;
};

struct one_round {
    simulated_provider kernel;
    std::shared_ptr<detail::reservation_core> core;
    starting_line begin;
    std::array<std::atomic<int>, ports> owners{};
    std::atomic<std::uint64_t> taken{0};
    std::atomic<bool> stop{false};
};

void work(one_round& r, unsigned seed, const race_settings& s) {
    std::mt19937 random(seed);
    auto core = r.core;  // what a port_reservation is to its user
    auto* const lane = core->only_lane();
    r.begin.arrive_and_wait();
    std::vector<bound_port> held;
    error_code ec;
    for (int i = 0; !r.stop.load(std::memory_order_relaxed); ++i) {
        auto port = i % 7 == 0 ? lane->take_port(static_cast<std::uint16_t>(first_port + random() % ports), ec)
                               : lane->take(ec);
        const bool took = static_cast<bool>(port);
        if (took) {
            auto& owners = r.owners[port.port() - first_port];
            EXPECT_EQ(owners.fetch_add(1, std::memory_order_relaxed), 0) << "two owners";
            r.taken.fetch_add(1, std::memory_order_relaxed);
            if (random() % 3 == 0) static_cast<void>(port.native_handle());
            held.push_back(std::move(port));
        }
        if (std::array<bound_port, 2> run; i % 11 == 0 && held.empty() && lane->take_run(run, 1, ec)) {
            for (auto& one : run) {
                EXPECT_EQ(r.owners[one.port() - first_port].fetch_add(1, std::memory_order_relaxed), 0) << "two owners";
                held.push_back(std::move(one));
            }
        }
        if (held.size() > 1 || (took && i % 3 == 0)) {
            r.owners[held.front().port() - first_port].fetch_sub(1, std::memory_order_relaxed);
            held.erase(held.begin());
        }
        if (s.binds_callers && i % 5 == 0) {
            native_socket socket = r.kernel.make_socket(false);
            std::uint32_t index = 0;
            std::uint64_t cookie = 0;
            failure f;
            lane->bind_callers(socket, 0, index, cookie, f);
            r.kernel.close(socket);
            if (!f && random() % 2 == 0) lane->callers_socket_closed(index);
        }
        if (i % 16 == 0) core->reclaim();
        EXPECT_LE(core->statistics().ports.total(), ports);
    }
    core.reset();
    if (s.returns_late) std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    for (auto& port : held) r.owners[port.port() - first_port].fetch_sub(1, std::memory_order_relaxed);
}

TEST_P(release_race, ends_with_nothing_left) {
    const auto s = GetParam();
    std::uint64_t refusals = 0, detached = 0;
    for (unsigned round = 0; round < 25; ++round) {
        auto r = std::make_unique<one_round>();
        reservation_request request;
        request.block = {first_port, ports};
        request.cool_down = s.cool_down;
        failure f;
        r->core = detail::reservation_core::make(r->kernel, request, f);
        ASSERT_TRUE(r->core);
        const std::weak_ptr<detail::reservation_core> still(r->core);
        std::vector<std::thread> workers;
        for (unsigned t = 0; t < 3; ++t) workers.emplace_back([&, t] { work(*r, round * 3 + t, s); });
        r->begin.arrive_and_wait();
        while (r->taken < round % 40) std::this_thread::yield();  // begin at different moments
        if (s.policy == if_taken::refuse) {
            for (int attempt = 0;; ++attempt) {
                if (attempt == 50) r->stop = true;  // from here on every port comes back
                r->core->release(f, if_taken::refuse);
                if (!f) break;
                ASSERT_EQ(f.code, errc::reservation_busy);
                ASSERT_GE(f.count, 1U) << "refused, but nobody is out";
                ASSERT_EQ(r->core->now(), detail::phase::held) << "a refused release changes nothing";
                ASSERT_EQ(r->core->statistics().ports.total(), ports);
                ++refusals;
                std::this_thread::sleep_for(std::chrono::microseconds(20));
            }
        } else {
            r->core->release(f, if_taken::detach);
            ASSERT_FALSE(f) << f.what;
            detached += r->kernel.holders() != 0;
        }
        r->stop = true;
        r->core.reset();  // what ~port_reservation does after it
        for (auto& w : workers) w.join();
        EXPECT_TRUE(still.expired()) << "a port keeps the core, and nobody will return it";
        EXPECT_EQ(r->kernel.holders(), 0U);
        EXPECT_EQ(r->kernel.sockets(), 0U);
        const auto complaints = r->kernel.complaints();
        ASSERT_TRUE(complaints.empty()) << complaints.front();
    }
    std::cout << refusals << " releases refused, " << detached << " rounds left ports with workers\n";
    if (s.policy == if_taken::refuse || s.returns_late) {
        EXPECT_GT(refusals + detached, 0U) << "the race was never run";
    }
}

INSTANTIATE_TEST_SUITE_P(with, release_race,
                         testing::Values(race_settings{"detach", if_taken::detach, {}, false, false},
                                         race_settings{"detach_and_late_returns", if_taken::detach, {}, true, false},
                                         race_settings{"detach_while_resting", if_taken::detach,
                                                       std::chrono::milliseconds(1), true, false},
                                         race_settings{"detach_while_binding", if_taken::detach, {}, true, true},
                                         race_settings{"refuse", if_taken::refuse, {}, false, false},
                                         race_settings{"refuse_while_resting", if_taken::refuse,
                                                       std::chrono::milliseconds(1), false, false},
                                         race_settings{"refuse_while_binding", if_taken::refuse, {}, false, true}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
