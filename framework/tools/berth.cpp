// berth: one look at programs that are built on berth. `berth top` is its one subcommand so far.
//
// Exits: 0 done; 1 `--once`, and an endpoint gave no answer; 2 the command line makes no sense; 5 anything else.
#include "platform/terminal.hpp"
#include "top/watch.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace berth::top;

bool may_paint() {
    const char* const no_color = std::getenv("NO_COLOR");
    const char* const kind = std::getenv("TERM");
    return (no_color == nullptr || *no_color == '\0') && (kind == nullptr || std::string_view(kind) != "dumb");
}

int top(const std::vector<std::string>& endpoints, double seconds, watch_options options) {
    for (const auto& words : endpoints) {
        try {
            options.targets.push_back(target_of(words));
        } catch (const std::invalid_argument& e) {
            fmt::print(stderr, "berth: {}\n", e.what());
            return 2;
        }
    }
    options.interval = std::chrono::milliseconds(static_cast<long long>(seconds * 1000));
    options.colours = may_paint();
    if (!options.once && !output_is_terminal()) {
        fmt::print(stderr, "berth: the output is no terminal: --once prints one frame\n");
        return 2;
    }
    const int code = watch(options);
    for (const auto& t : options.targets) {
        if (t.is_waited_for && t.is_waited_for->load()) std::_Exit(code);  // by a thread that has nothing to undo
    }
    return code;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> endpoints;
    double seconds = 2;
    watch_options options;
    CLI::App app("A look at programs that are built on berth.", "berth");
    app.require_subcommand(1);
    app.set_version_flag("--version", "berth " BERTH_VERSION);
    auto* const view = app.add_subcommand("top", "blocks, ports by state, takes and backends, as they change");
    view->add_option("endpoint", endpoints,
                     "ADDRESS:PORT[/PATH] of a metrics endpoint, or berthd, or the path of its socket")
        ->required();
    app.set_help_flag();
    app.set_help_all_flag("-h,--help", "Print this help message and exit");  // with that of each subcommand
    auto* const interval = view->add_option("--interval", seconds, "seconds between two readings")
                               ->check(CLI::Range(0.1, 3600.0))
                               ->capture_default_str();
    view->add_flag("--once", options.once,
                   "print one frame; with --interval of two readings, so that there are rates");
    view->add_option("--width", options.width, "columns of that frame")->check(CLI::Range(20, 1000));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    options.is_interval_given = interval->count() > 0;
    try {
        return top(endpoints, seconds, std::move(options));
    } catch (const std::exception& e) {
        fmt::print(stderr, "berth: {}\n", e.what());
        return 5;
    }
}
