// The draw of outbound ports alone: a tuple and a session socket of its port, claimed and given back without a
// socket.
//
// Arguments: ports, destinations, tenths of the tuples in use. Beside it the plain claim of a slot out of as many.
#include "outbound/tuple_sets.hpp"

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

namespace {

using namespace berth;

std::uint64_t no_time() noexcept { return 0; }

outbound::destination nth(std::uint32_t n) {
    return outbound::destination({asio::ip::address_v4(0x0a000000 + n), 443});
}

void tuple_claim_and_give_back(benchmark::State& state) {
    const auto ports = static_cast<std::uint32_t>(state.range(0)),
               places = static_cast<std::uint32_t>(state.range(1));
    claim::claim_set slots(0, ports * places, draw_order::random);
    for (std::uint32_t i = 0; i < ports * places; ++i) slots.put_back(i);
    outbound::tuple_sets sets(ports, places, draw_order::random, no_time);
    std::vector<outbound::destination> all;
    for (std::uint32_t d = 0; d < places; ++d) all.push_back(nth(d));
    errc why{};
    for (const auto& d : all) {
        for (std::uint32_t i = 0; i < ports * state.range(2) / 10; ++i) sets.claim(d, slots, why);
    }
    std::minstd_rand random(1);
    for (auto _ : state) {
        const std::uint32_t slot = sets.claim(all[random() % places], slots, why);
        sets.give_back(slot);
        slots.put_back(slot);
    }
}

void slot_claim_and_put_back(benchmark::State& state) {
    claim::claim_set slots(0, 6400, draw_order::random);
    for (std::uint32_t i = 0; i < 6400; ++i) slots.put_back(i);
    for (auto _ : state) slots.put_back(slots.claim());
}

BENCHMARK(slot_claim_and_put_back);
BENCHMARK(tuple_claim_and_give_back)
    ->Args({64, 100, 1})
    ->Args({64, 100, 9})
    ->Args({512, 100, 1})
    ->Args({512, 100, 9});

}  // namespace
