// Many bots at once on one game server: game_bots --lobby ADDRESS:PORT --matches 2000 --loss 0.1
//
// Ends with 0 if all played and everything they were told was consistent.
#include "bot.hpp"

#include <berth/service/program.hpp>

#include <CLI/CLI.hpp>
#include <asio/co_spawn.hpp>

#include <cstdio>
#include <exception>

namespace {

using namespace game;

struct plan {
    bot_options bots;
    std::uint64_t first_match = 1, matches = 1, players = 1, at_once = 64;
    std::uint64_t next = 0;
};

asio::awaitable<void> play_in_turn(berth::io_context& loop, plan& all, bot_counts& counts) {
    while (all.next < all.matches * all.players) {
        const std::uint64_t n = all.next++;
        bot one(loop, all.bots, counts, all.first_match + n / all.players,
                static_cast<std::uint32_t>(all.first_match * 131 + n + 1));
        co_await one.play();
    }
}

}  // namespace

int main(int argc, char** argv) {
    berth::service::program program("game_bots", "Players that are programs, and check what they are told", "1.0");
    plan all;
    std::string lobby;
    bool may_end_early = false, may_be_refused = false;
    CLI::App& app = program.options();
    app.add_option("--lobby", lobby, "ADDRESS:PORT of the lobby")->required();
    app.add_option("--matches", all.matches, "Matches to play")->check(CLI::Range(1, 10'000'000));
    app.add_option("--players", all.players, "Players of each match")->check(CLI::Range(1, 32));
    app.add_option("--first-match", all.first_match, "Number of the first match");
    app.add_option("--at-once", all.at_once, "Bots at a time")->check(CLI::Range(1, 10'000));
    app.add_option("--inputs", all.bots.inputs, "Inputs that are acknowledged before a bot leaves");
    app.add_option("--loss", all.bots.loss, "Part of the datagrams that is lost, each way")
        ->check(CLI::Range(0.0, 0.9));
    app.add_option("--duplicates", all.bots.duplicates, "Part of the datagrams that is sent twice")
        ->check(CLI::Range(0.0, 1.0));
    const auto milliseconds = [&](const char* name, std::chrono::milliseconds& to, const char* help) {
        app.add_option_function<unsigned>(
               name, [&to](unsigned n) { to = std::chrono::milliseconds(n); }, help)
            ->default_str(std::to_string(to.count()));
    };
    milliseconds("--hold", all.bots.hold, "Milliseconds that a bot plays at least");
    milliseconds("--stalk", all.bots.stalk, "Milliseconds that a bot goes on sending to a match that it has left");
    milliseconds("--retry", all.bots.retry, "Milliseconds that a bot asks again when there is no port");
    milliseconds("--patience", all.bots.patience, "Milliseconds without progress after which a bot gives up");
    app.add_flag("--may-end-early", may_end_early, "That the server ends a match is no failure");
    app.add_flag("--may-be-refused", may_be_refused, "Nor that it refuses one");
    if (const auto code = program.parse(argc, argv)) return *code;
    const auto at = berth::service::endpoint_of(lobby);
    if (!at) {
        std::fprintf(stderr, "game_bots: --lobby: '%s' is not ADDRESS:PORT, e.g. 127.0.0.1:7000\n", lobby.c_str());
        return 2;
    }
    all.bots.lobby = {at->address(), at->port()};
    try {
        berth::io_context loop;
        bot_counts counts;
        const auto begun = std::chrono::steady_clock::now();
        for (std::uint64_t i = 0; i < std::min(all.at_once, all.matches * all.players); ++i) {
            asio::co_spawn(loop, play_in_turn(loop, all, counts), [](const std::exception_ptr& thrown) {
                if (thrown) std::rethrow_exception(thrown);
            });
        }
        loop.run();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
        const auto n = [](std::uint64_t count) { return static_cast<unsigned long long>(count); };
        std::printf(
            "played %llu ended_early %llu refused %llu gave_up %llu snapshots %llu stale %llu acknowledged %llu "
            "stalked %llu ports %zu inconsistent %llu seconds %.2f\n",
            n(counts.played), n(counts.ended_early), n(counts.refused), n(counts.gave_up), n(counts.snapshots),
            n(counts.stale), n(counts.acknowledged), n(counts.stalked), counts.ports.size(), n(counts.inconsistent),
            seconds);
        if (!counts.last_place.empty()) std::printf("last place %s\n", counts.last_place.c_str());
        if (counts.inconsistent != 0) std::printf("first fault: %s\n", counts.first_fault.c_str());
        const bool is_good = counts.inconsistent == 0 && counts.gave_up == 0 &&
                             (may_end_early || counts.ended_early == 0) && (may_be_refused || counts.refused == 0);
        return is_good ? 0 : 1;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "game_bots: %s\n", e.what());
        return 1;
    }
}
