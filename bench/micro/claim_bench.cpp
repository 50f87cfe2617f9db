// The claim alone: what one draw, and one draw with its put_back, cost without any socket.
//
// The yardstick, one uncontended compare-exchange and one store, runs in the same process, because absolute
// nanoseconds say nothing about another machine. Occupancy is in tenths of a percent; at least one port stays
// available. The tail is read from single timed claims, so it includes about 20 ns of clock. Two threads on one block
// are compared with two threads that have a block each. Smoke mode: --benchmark_min_time=0.01.
#include "claim/claim_set.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace {

using berth::draw_order;
using berth::claim::claim_set;
using berth::claim::none;

// A block at its steady occupancy: the ports that stay free lie where chance put them, as after long use.
std::unique_ptr<claim_set> block_at(std::uint32_t count, std::int64_t permille,
                                    draw_order order = draw_order::random) {
    auto set = std::make_unique<claim_set>(std::uint16_t{20000}, count, order);
    std::vector<std::uint32_t> indices(count);
    std::iota(indices.begin(), indices.end(), 0u);
    std::shuffle(indices.begin(), indices.end(), std::mt19937{count});
    const auto taken = static_cast<std::uint32_t>(std::int64_t{count} * permille / 1000);
    indices.resize(count - std::min(taken, count - 1));
    for (const std::uint32_t i : indices) set->put_back(i);
    return set;
}

void yardstick_compare_exchange_and_store(benchmark::State& state) {
    std::atomic<std::uint64_t> word{0};
    std::atomic<std::uint64_t> other{0};
    std::uint64_t expected = 0;
    for (auto _ : state) {
        word.compare_exchange_strong(expected, expected + 1);
        expected = word.load(std::memory_order_relaxed);
        other.store(expected, std::memory_order_release);
        benchmark::ClobberMemory();
    }
}
BENCHMARK(yardstick_compare_exchange_and_store);

// One batch of claims is timed, then the ports go back with the clock stopped. A batch takes at most a quarter of
// what a block has free, so that the occupancy stays what it says; where that is too little to time, it goes over
// blocks.
void claim_alone(benchmark::State& state) {
    constexpr std::uint32_t batch = 128;
    std::vector<std::unique_ptr<claim_set>> sets;
    std::uint32_t each = 0;
    do {
        sets.push_back(block_at(static_cast<std::uint32_t>(state.range(0)), state.range(1)));
        each = std::clamp(sets[0]->available() / 4, 1u, batch);
    } while (sets.size() * each < batch);
    std::uint32_t drawn[2 * batch];
    const auto all = static_cast<std::int64_t>(sets.size() * each);
    while (state.KeepRunningBatch(all)) {
        std::uint32_t* next = drawn;
        const auto start = std::chrono::steady_clock::now();
        for (const auto& set : sets) {
            for (std::uint32_t i = 0; i < each; ++i) *next++ = set->claim();
        }
        const auto end = std::chrono::steady_clock::now();
        // Counted by iterations, so each of this batch's gets its share.
        state.SetIterationTime(std::chrono::duration<double>(end - start).count());
        next = drawn;
        for (const auto& set : sets) {
            for (std::uint32_t i = 0; i < each; ++i) set->put_back(*next++);
        }
    }
}

void claim_and_put_back(benchmark::State& state) {
    const auto set = block_at(static_cast<std::uint32_t>(state.range(0)), state.range(1));
    for (auto _ : state) {
        const std::uint32_t index = set->claim();
        benchmark::DoNotOptimize(index);
        set->put_back(index);
    }
}

void claim_exhausted(benchmark::State& state) {
    claim_set set(20000, static_cast<std::uint32_t>(state.range(0)), draw_order::random);
    for (auto _ : state) benchmark::DoNotOptimize(set.claim());
}

void claim_pair_and_put_back(benchmark::State& state) {
    const auto set = block_at(static_cast<std::uint32_t>(state.range(0)), state.range(1));
    for (auto _ : state) {
        const std::uint32_t index = set->claim_pair();
        if (index == none) {
            state.SkipWithError("no pair is free at this occupancy");
            break;
        }
        set->put_back(index);
        set->put_back(index + 1);
    }
}

void claim_and_put_back_first_in_first_out(benchmark::State& state) {
    const auto set =
        block_at(static_cast<std::uint32_t>(state.range(0)), state.range(1), draw_order::first_in_first_out);
    for (auto _ : state) set->put_back(set->claim());
}

void claim_cool_and_put_back(benchmark::State& state) {
    const auto set = block_at(static_cast<std::uint32_t>(state.range(0)), state.range(1));
    std::uint64_t now = 0;
    for (auto _ : state) {
        set->cool(set->claim(), ++now);
        set->put_back(set->next_due(now));
    }
}

double percentile(std::vector<double>& sorted, double share) {
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void claim_tail(benchmark::State& state) {
    const auto set = block_at(static_cast<std::uint32_t>(state.range(0)), state.range(1));
    std::vector<double> nanoseconds;
    nanoseconds.reserve(4'000'000);
    for (auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        const std::uint32_t index = set->claim();
        const auto end = std::chrono::steady_clock::now();
        set->put_back(index);
        if (nanoseconds.size() < nanoseconds.capacity()) {
            nanoseconds.push_back(std::chrono::duration<double, std::nano>(end - start).count());
        }
    }
    std::sort(nanoseconds.begin(), nanoseconds.end());
    state.counters["p50_ns"] = percentile(nanoseconds, 0.5);
    state.counters["p99_ns"] = percentile(nanoseconds, 0.99);
    state.counters["p99.9_ns"] = percentile(nanoseconds, 0.999);
    state.counters["max_ns"] = nanoseconds.back();
}

// Claims and put_backs a second of two threads for one slice of time, one set each (the same one, or not).
double two_threads_rate(claim_set& a, claim_set& b) {
    std::atomic<int> ready{0};
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> total{0};
    const auto work = [&](claim_set& set) {
        std::uint64_t done = 0;
        set.put_back(set.claim());
        ++ready;
        while (ready.load() < 2) std::this_thread::yield();
        while (!stop.load(std::memory_order_relaxed)) {
            for (int i = 0; i < 64; ++i) {
                const std::uint32_t index = set.claim();
                if (index == none) continue;
                set.put_back(index);
                ++done;
            }
        }
        total += done;
    };
    std::thread first([&] { work(a); });
    std::thread second([&] { work(b); });
    while (ready.load() < 2) std::this_thread::yield();
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    stop = true;
    first.join();
    second.join();
    return static_cast<double>(total.load()) /
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Slices of both kinds take turns, and the ratio is the median over pairs of neighbours: what else the machine does
// meets both alike.
void two_threads_one_block_against_a_block_each(benchmark::State& state) {
    const auto count = static_cast<std::uint32_t>(state.range(0));
    const auto first = block_at(count, state.range(1));
    const auto second = block_at(count, state.range(1));
    std::vector<double> ratios;
    std::vector<double> each;
    for (auto _ : state) {
        const double shared = two_threads_rate(*first, *first);
        each.push_back(two_threads_rate(*first, *second));
        ratios.push_back(shared / each.back());
    }
    std::sort(ratios.begin(), ratios.end());
    std::sort(each.begin(), each.end());
    state.counters["ratio"] = percentile(ratios, 0.5);
    state.counters["each_M/s"] = percentile(each, 0.5) / 1e6;
}

void blocks_and_occupancies(benchmark::internal::Benchmark* b) {
    for (const std::int64_t count : {64, 1024, 16384}) {
        for (const std::int64_t permille : {0, 500, 900, 990, 999}) b->Args({count, permille});
    }
}

BENCHMARK(claim_alone)->Apply(blocks_and_occupancies)->UseManualTime();
BENCHMARK(claim_and_put_back)->Apply(blocks_and_occupancies);
BENCHMARK(claim_tail)->Apply(blocks_and_occupancies);
BENCHMARK(claim_exhausted)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(claim_pair_and_put_back)->Args({64, 0})->Args({1024, 500})->Args({16384, 900});
BENCHMARK(claim_and_put_back_first_in_first_out)->Args({64, 0})->Args({16384, 0})->Args({16384, 999});
BENCHMARK(claim_cool_and_put_back)->Args({64, 0})->Args({16384, 0})->Args({16384, 999});
BENCHMARK(two_threads_one_block_against_a_block_each)
    ->Args({64, 0})
    ->Args({1024, 0})
    ->Args({1024, 900})
    ->Args({16384, 0})
    ->Args({16384, 900})
    ->Args({16384, 990})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
