// A game server: a UDP port for each match, out of blocks reserved beforehand, on as many shards as there are cores.
//
// README.md has the protocol, the options and the metrics.
#include "server_options.hpp"

#include <berth/service/service.hpp>

#include <memory>

namespace {

using namespace game;

/// All that lives as long as the service runs. The lobby ends before the matches that it knows.
struct game_server {
    game_server(berth::service::service& s, const server_options& options)
        : service(s), metrics(s.metrics()), quotas({.each = options.matches_per_address}) {
        std::vector<berth::io_context*> contexts;
        for (std::size_t i = 0; i < s.shards().size(); ++i) contexts.push_back(&s.shards()[i]);
        pool = std::make_unique<berth::listener_pool>(
            options.request(), contexts,
            berth::pool_growth{
                .grow_by = options.grow_by, .most = options.most_ports, .low_water = options.ports / 8});
        published.push_back(publish(s.metrics(), *pool, "matches"));
        published.push_back(publish(s.metrics(), quotas, "matches_per_address"));
        s.drain().on_begin([this](auto time, auto done) { drain(time, done); });
        pool->async_start([this, options](berth::error_code ec) {
            if (ec) throw std::runtime_error("no ports for matches: " + pool->failure().what);
            start(options);
        });
    }

    void start(const server_options& options) {
        auto& shards = service.shards();
        const auto period =
            std::chrono::duration_cast<game::clock::duration>(std::chrono::seconds(1)) / options.tick_rate;
        for (std::size_t i = 0; i < shards.size(); ++i) {
            matches.push_back(
                std::make_unique<match_shard>(shards, i, *pool, options.of_matches(), jar, metrics, period));
        }
        const lobby_options its{options.lobby_endpoint(), options.advertised(), options.most_players};
        entrance = std::make_unique<lobby>(shards, matches, its, quotas, jar, metrics, service.log());
        const auto ports = pool->statistics().ports.total();
        service.log().info("lobby_open",
                           {{"at", entrance->local_endpoint()}, {"ports", ports}, {"tick_rate", options.tick_rate}});
    }

    // Matches end by their rules; shortly before the time is over the others are told that they end now.
    void drain(berth::service::graceful_drain::duration time, const berth::service::graceful_drain::part_done& done) {
        if (!entrance) return done();
        entrance->drain([this, done] {
            if (!was_cut) done();
        });
        last_call = std::make_unique<berth::steady_timer>(service.shards()[0], time * 9 / 10);
        last_call->async_wait([this](berth::error_code ec) {
            if (ec || pool->statistics().ports.open == 0) return;
            was_cut = true;
            service.log().warning("matches_are_cut", {{"matches", metrics.open.value()}});
            for (auto& shard : matches) shard->close_all(why::closing);
        });
    }

    berth::service::service& service;
    cookie_jar jar;
    game_metrics metrics;
    berth::quotas quotas;
    bool was_cut = false;
    std::unique_ptr<berth::listener_pool> pool;
    std::vector<std::unique_ptr<match_shard>> matches;
    std::unique_ptr<lobby> entrance;
    std::unique_ptr<berth::steady_timer> last_call;
    std::vector<berth::service::publication> published;
};

}  // namespace

int main(int argc, char** argv) {
    berth::service::program program("game_server", "A UDP port for each match, out of blocks reserved beforehand",
                                    "1.0");
    server_options options;
    options.add_to(program);
    if (const auto code = program.parse(argc, argv)) return *code;
    if (options.bench) return run_opening_bench(options);
    return berth::service::run(program,
                               [&](berth::service::service& s) { return std::make_unique<game_server>(s, options); });
}
