// relay_siege: bad TURN clients against berth's relay, and what honest ones notice of it. See siege.hpp.
#include "contest/choose.hpp"
#include "process/surroundings.hpp"
#include "relay/siege.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <exception>

namespace {

using namespace berth::bench;

int besiege(const std::vector<const siege_entry*>& sieges, double seconds, const siege_bounds& most) {
    int failed = 0;
    for (const siege_entry* what : sieges) {
        for (const std::string& wrong : run_siege(*what, seconds, most)) {
            fmt::print("  WRONG:             {}\n", wrong);
            failed = 1;
        }
        std::fflush(stdout);
    }
    return failed;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Besieges berth's relay, examples/relay, while honest calls go on."};
    double seconds = 10;
    bool own_namespace = true;
    siege_bounds most;
    std::vector<std::string> names;
    std::vector<const siege_entry*> sieges;
    app.add_option("--sieges", names, "some of: " + names_of(all_sieges()))->delimiter(',');
    app.add_option("--seconds", seconds, "that each lasts; some take longer")->check(CLI::Range(0.5, 3600.0));
    app.add_option("--lost", most.lost, "share of honest datagrams that may be lost");
    double p99 = 50, memory = 2;
    app.add_option("--memory", memory, "MB of the relay's memory that may stay");
    app.add_option("--p99", p99, "milliseconds within which 99 % of the honest round trips are to end");
    app.add_flag("!--no-namespace", own_namespace, "on the machine's own ports");
    CLI11_PARSE(app, argc, argv);
    most.p99 = static_cast<nanoseconds>(p99 * 1e6);
    most.memory = static_cast<std::int64_t>(memory * 1e6);
    if (!choose(all_sieges(), names, sieges)) return 2;
    try {
        constexpr std::uint32_t ports_of_the_kernel = 20'000;
        enter_surroundings(own_namespace, ports_of_the_kernel);
        return besiege(sieges, seconds, most);
    } catch (const std::exception& problem) {
        fmt::print(stderr, "relay_siege: {}\n", problem.what());
        return 1;
    }
}
