// See contest_flags.hpp.
#include "contest/contest_flags.hpp"

namespace berth::bench {

void contest_flags::add_to(CLI::App& app, const lengths& how_long, const std::string& names,
                           const std::string& what_a_slice_is) {
    auto* modes = app.add_option_group("mode");
    modes->add_flag("--quick", quick_, how_long.quick + " (default)");
    modes->add_flag("--full", full_, "more and longer slices: " + how_long.full);
    modes->add_flag("--smoke", smoke_, how_long.smoke + ": shows that everything runs, the figures mean little");
    modes->require_option(0, 1);
    app.add_option("--contestants", contestants, "some of: " + names)->delimiter(',');
    app.add_option("--rounds", rounds_, "slices per contestant and table");
    app.add_option("--slice", slice_, "milliseconds of " + what_a_slice_is)->check(CLI::Range(1.0, 10'000.0));
    app.add_option("--json", json, "write all figures to this file");
    app.add_option("--html", html, "write a page with charts to this file");
}

bool contest_flags::parse(CLI::App& app, int argc, char** argv, int& exit_code) {
    try {
        app.parse(argc, argv);
        return true;
    } catch (const CLI::ParseError& problem) {
        exit_code = app.exit(problem);
        return false;
    }
}

}  // namespace berth::bench
