// What opening a match costs: the library's take alone, and all of it, with 10 % and 90 % of the ports in use.
//
// Matches are opened and closed one at a time, as a shard does it; closing is not measured, its time is printed too.
#include "server_options.hpp"

#include <berth/io_context.hpp>
#include <berth/service/metric_registry.hpp>

#include <algorithm>
#include <cstdio>

namespace game {
namespace {

constexpr int rounds = 20'000;

struct times {
    std::vector<double> ns;
    void add(clock::duration d) { ns.push_back(std::chrono::duration<double, std::nano>(d).count()); }
    void print(unsigned occupied, const char* what) {
        std::sort(ns.begin(), ns.end());
        const auto at = [&](double part) {
            return ns[static_cast<std::size_t>(part * static_cast<double>(ns.size() - 1))];
        };
        std::printf("%3u %%  %-28s p50 %8.0f ns   p99 %8.0f ns\n", occupied, what, at(0.5), at(0.99));
    }
};

void measure(unsigned occupied, berth::io_context& loop, berth::listener_pool& pool, std::uint32_t ports,
             const match_options& options, const cookie_jar& jar, game_metrics& metrics) {
    std::vector<std::shared_ptr<match>> others;
    berth::error_code ec;
    for (std::uint64_t i = 0; i < std::uint64_t{ports} * occupied / 100; ++i) {
        if (auto other = match::open(pool, 0, i, options, jar, metrics, ec)) others.push_back(std::move(other));
    }
    if (ec) throw std::system_error(ec, "opening a match");
    times take, whole, close;
    for (int i = 0; i < rounds; ++i) {
        const auto begun = clock::now();
        auto endpoint = pool.open(0);
        take.add(clock::now() - begun);
    }
    for (int i = 0; i < rounds; ++i) {
        const auto begun = clock::now();
        auto one = match::open(pool, 0, 0, options, jar, metrics, ec);
        whole.add(clock::now() - begun);
        if (ec) throw std::system_error(ec, "opening a match");
        loop.poll();
        const auto open = clock::now();
        one->close(why::over);
        close.add(clock::now() - open);
        one.reset();
        loop.poll();
    }
    take.print(occupied, "take a port out of the pool");
    whole.print(occupied, "open a match, ready to receive");
    close.print(occupied, "close it, the port given back");
    for (auto& other : others) other->close(why::over);
}

}  // namespace

int run_opening_bench(const server_options& options) {
    try {
        berth::io_context loop;
        auto request = options.request();
        request.cool_down = {};
        berth::listener_pool pool(request, {&loop});
        berth::error_code failed;
        pool.async_start([&](berth::error_code ec) { failed = ec; });
        loop.run();
        if (failed) throw std::runtime_error(pool.failure().what);
        loop.restart();
        berth::service::metric_registry registry;
        game_metrics metrics(registry);
        const cookie_jar jar;
        std::printf("%u ports, backend %s, DSCP %u\n", options.ports, std::string(loop.backend()).c_str(),
                    options.dscp);
        for (const unsigned occupied : {10U, 90U}) {
            measure(occupied, loop, pool, options.ports, options.of_matches(), jar, metrics);
            loop.poll();
        }
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "game_server --bench: %s\n", e.what());
        return 1;
    }
}

}  // namespace game
