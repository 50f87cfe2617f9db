// What the command lines of all contests have: how long, who, how many slices, and where the figures go.
#pragma once

#include "measure/clock.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace berth::bench {

class contest_flags {
public:
    struct lengths {  // of a run, in words
        std::string quick, full, smoke;
    };
    void add_to(CLI::App& app, const lengths& how_long, const std::string& names, const std::string& what_a_slice_is);

    /// As App::parse. False: the program ends with `exit_code`.
    static bool parse(CLI::App& app, int argc, char** argv, int& exit_code);

    [[nodiscard]] std::string mode() const { return full_ ? "full" : smoke_ ? "smoke" : "quick"; }
    /// Puts what was asked for in the place of a mode's own.
    template <class Pace>
    [[nodiscard]] Pace adjusted(Pace of_mode) const {
        if (rounds_ > 0) of_mode.rounds = rounds_;
        if (slice_ > 0) of_mode.slice = static_cast<nanoseconds>(slice_ * 1e6);
        return of_mode;
    }
    std::vector<std::string> contestants;
    std::string json, html;

private:
    bool quick_ = false, full_ = false, smoke_ = false;
    std::size_t rounds_ = 0;
    double slice_ = 0;  // milliseconds
};

}  // namespace berth::bench
