// See cell_runner.hpp.
#include "bind_latency/cell_runner.hpp"

#include <pthread.h>
#include <sched.h>

#include <barrier>
#include <thread>

namespace berth::bench {
namespace {

/// One strategy that could be prepared, with a seat and a recorder per thread.
struct contender {
    std::size_t index = 0;  // in the scene's list
    std::vector<std::unique_ptr<seat>> seats;
    std::vector<recorder> recorders;
};

void take_turns(std::vector<contender>& contenders, const pace& p, unsigned thread, std::barrier<>* together) {
    for (std::size_t round = 0; round < p.rounds; ++round) {
        for (std::size_t turn = 0; turn < contenders.size(); ++turn) {
            contender& c = contenders[round % 2 == 0 ? turn : contenders.size() - 1 - turn];
            if (together != nullptr) together->arrive_and_wait();
            c.seats[thread]->run(p.slice, c.recorders[thread]);
        }
    }
}

void run_all(std::vector<contender>& contenders, const pace& p, unsigned threads) {
    if (threads == 1) return take_turns(contenders, p, 0, nullptr);
    std::barrier<> together(threads);
    std::vector<std::thread> workers;
    for (unsigned t = 0; t < threads; ++t)
        workers.emplace_back([&, t] {
            stay_on_core(t);
            take_turns(contenders, p, t, &together);
        });
    for (auto& worker : workers) worker.join();
}

}  // namespace

void stay_on_core(unsigned n) noexcept {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) == 0) return;
    unsigned wanted = n % static_cast<unsigned>(CPU_COUNT(&allowed));
    for (unsigned core = 0; core < CPU_SETSIZE; ++core) {
        if (!CPU_ISSET(core, &allowed) || wanted-- != 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        return;
    }
}

std::vector<cell> run_scene(const scene& s, std::vector<standing_strategy>& strategies, const pace& p) {
    std::vector<cell> cells(strategies.size());
    std::vector<contender> contenders;
    for (std::size_t i = 0; i < strategies.size(); ++i) {
        cell& c = cells[i];
        c.transport = s.transport;
        c.fill = s.fill;
        c.occupancy = s.occupancy;
        c.threads = s.threads;
        c.entry = strategies[i].entry;
        try {
            strategies[i].made->prepare(s);
            contender ready{i, {}, {}};
            for (unsigned t = 0; t < s.threads; ++t) {
                ready.seats.push_back(strategies[i].made->sit(t));
                ready.recorders.emplace_back();
            }
            contenders.push_back(std::move(ready));
        } catch (const std::exception& refused) {
            c.reason = refused.what();
        }
    }
    run_all(contenders, p, s.threads);
    for (contender& ready : contenders) {
        cell& c = cells[ready.index];
        std::vector<std::uint32_t> samples;
        for (const recorder& r : ready.recorders) {
            r.pour_into(samples);
            c.attempts += r.seen();
            c.failures += r.failures();
        }
        c.time = summarize(std::move(samples));
        const distribution& yardstick = cells.front().time;  // summarized first: contenders keep the list's order
        if (yardstick.count > 0) c.ratio = yardstick.p50 / std::max(c.time.p50, 1.0);
    }
    return cells;
}

}  // namespace berth::bench
