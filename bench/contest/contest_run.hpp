// The frame of a contest: the head of its report, the turns, and the report's end in all its forms.
#pragma once

#include "contest/results.hpp"
#include "measure/clock.hpp"
#include "measure/interleave.hpp"
#include "process/cores.hpp"
#include "report/progress.hpp"

#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

template <class Pace>
report begin_report(std::string program, std::string question, std::string mode, core_pair cores, const Pace& speed) {
    report r;
    r.program = std::move(program);
    r.question = std::move(question);
    r.mode = std::move(mode);
    r.where = describe_machine();
    r.server_core = cores.server;
    r.load_core = cores.load;
    r.rounds = speed.rounds;
    r.slice_seconds = static_cast<double>(speed.slice) * 1e-9;
    return r;
}

/// Prints it, and writes it to the files that have a name.
void publish(const report& r, const std::string& note, const std::string& json, const std::string& html);

/// Calls run(); what it throws is said, and is 1.
template <class Run>
int run_or_say(const char* program, Run&& run) {
    try {
        return run();
    } catch (const std::exception& problem) {
        fmt::print(stderr, "{}: {}\n", program, problem.what());
        return 1;
    }
}

/// slice(guest) in turns, its figures into the guest's rounds; nothing of who takes no part (any more). A Problem ends
/// a guest's part: leave(guest, why).
template <class Problem, class Guest, class Takes, class Slice, class Leave>
void take_turns(std::vector<Guest>& stage, std::string_view title, std::size_t rounds, progress& bar, Takes takes_part,
                Slice slice, Leave leave) {
    std::vector<contestant> turns;
    for (Guest& guest : stage)
        turns.emplace_back([&] {
            bar.step(fmt::format("{}: {}", title, guest.entry->label));
            std::optional<slice_figures> figures;
            if (takes_part(guest)) try {
                    figures = slice(guest);
                } catch (const Problem& problem) {
                    leave(guest, fmt::format("{} in slice {}", problem.what(), guest.result.rounds.size() + 1));
                }
            guest.result.rounds.push_back(figures);
            return 0.0;
        });
    // The first turn of each opens windows and fills caches: it does not count.
    for (const contestant& turn : turns) turn();
    for (Guest& guest : stage) guest.result.rounds.clear();
    (void)interleave(rounds, turns);
}

}  // namespace berth::bench
