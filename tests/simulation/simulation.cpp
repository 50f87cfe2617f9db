// Programs run, counted, compared with their own repetition, and shrunk if they break something.
#include "simulation/simulation.hpp"

#include "simulation/last_words.hpp"
#include "simulation/shrinker.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <stdexcept>

namespace berth::simulation {
namespace {

constexpr std::uint64_t repeat_every = 64;  // programs of which one is run twice, and must end the same way

std::vector<const char*> names_of(std::span<const step_kind> kinds) {
    std::vector<const char*> names;
    for (const auto& kind : kinds) names.push_back(kind.name);
    return names;
}

const char* from_environment(const char* name) {
    const char* const text = std::getenv(name);
    return text != nullptr && *text != '\0' ? text : nullptr;
}

std::string grouped(std::uint64_t n) {
    std::string text = std::to_string(n);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
    return text;
}

class repetition {
public:
    explicit repetition(const subject& s) : s_(s), names_(names_of(s.kinds)) {}
    ran operator()(const program& p) {
        tally kinds(names_), reached(s_.marks);
        std::uint64_t operations = 0;
        return run(s_, p, kinds, reached, operations);
    }

private:
    const subject& s_;
    std::vector<const char*> names_;
};

finding look_closer(const subject& s, const program& p, const ran& first) {
    repetition again(s);
    const ran second = again(p);
    finding f{p.seed, first.broke, std::min(first.at + 1, p.steps.size()), p, first.broke, 0};
    if (second.broke != first.broke || second.digest != first.digest) {
        f.broke = "replay: the same program ended in two ways, '" + first.broke + "' and '" + second.broke + "'";
        return f;
    }
    auto small = shrink(p, [&](const program& candidate, std::size_t& at) {
        const auto r = again(candidate);
        at = r.at;
        return r.broke;
    });
    f.least = std::move(small.least), f.least_broke = std::move(small.broke), f.trials = small.runs;
    return f;
}

}  // namespace

std::string tally::text() const {
    std::string text;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        text += (i == 0 ? "" : ", ") + grouped(counts_[i]) + ' ' + names_[i];
    }
    return text;
}

std::string tally::never() const {
    std::string text;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (counts_[i] == 0) text += (text.empty() ? "" : " ") + std::string(names_[i]);
    }
    return text;
}

options read_options(std::uint64_t operations) {
    options o;
    o.operations = operations;
    if (const char* text = from_environment("BERTH_SIMULATION_OPERATIONS"))
        o.operations = std::strtoull(text, nullptr, 0);
    if (const char* text = from_environment("BERTH_SIMULATION_FIRST")) o.first_seed = std::strtoull(text, nullptr, 0);
    if (const char* text = from_environment("BERTH_SIMULATION_SEED")) o.only_seed = std::strtoull(text, nullptr, 0);
    if (const char* text = from_environment("BERTH_SIMULATION_PROGRAM")) o.only_program = text;
    return o;
}

report::report(const subject& s) : kinds({}), reached(s.marks) {
    static std::vector<std::unique_ptr<std::vector<const char*>>>
        kept;  // as long as the process: a tally only refers
    kept.push_back(std::make_unique<std::vector<const char*>>(names_of(s.kinds)));
    kinds = tally(*kept.back());
}

std::string report::text(const subject& s) const {
    const auto seconds = static_cast<std::uint64_t>(processor_seconds * 10);
    return s.name + ": " + grouped(operations) + " operations, " + grouped(programs) + " programs, " +
           grouped(seconds / 10) + '.' + std::to_string(seconds % 10) +
           " processor seconds\n  operations: " + kinds.text() + "\n  reached: " + reached.text();
}

ran run(const subject& s, const program& p, tally& kinds, tally& reached, std::uint64_t& operations) {
    ran r;
    last_words::program_begins(p.seed);
    const auto here = s.make(p.seed, reached);
    for (; r.at < p.steps.size(); ++r.at) {
        const auto& step = p.steps[r.at];
        auto done = here->go(step);
        if (done.did) ++operations;
        if (done.did || done.acted) kinds(step.what);
        if (done.broke.empty()) continue;
        r.broke = std::move(done.broke);
        r.digest = here->digest();
        return r;
    }
    r.broke = here->end();
    r.digest = here->digest();
    return r;
}

report simulate(const subject& s, const options& asked) {
    report all(s);
    repetition again(s);
    const auto began = std::clock();
    const bool only_one = asked.only_seed.has_value() || !asked.only_program.empty();
    for (std::uint64_t seed = asked.only_seed.value_or(asked.first_seed); all.operations < asked.operations; ++seed) {
        program p;
        if (asked.only_program.empty()) {
            p = draw_program(seed, s.kinds, s.longest);
        } else if (const auto wrong = read_program(asked.only_program, s.kinds, p); !wrong.empty()) {
            throw std::invalid_argument("BERTH_SIMULATION_PROGRAM: " + wrong);
        }
        const ran r = run(s, p, all.kinds, all.reached, all.operations);
        ++all.programs;
        if (!r.broke.empty()) {
            all.found = look_closer(s, p, r);
        } else if (seed % repeat_every == 0) {
            const ran second = again(p);
            if (second.digest != r.digest)
                all.found = finding{p.seed, "replay: two digests", p.steps.size(), p, "", 0};
        }
        if (all.found || only_one) break;
    }
    last_words::program_ended();
    all.processor_seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    return all;
}

std::string replay_commands(const finding& f, const subject& s, const std::string& executable,
                            const std::string& test) {
    const std::string rest = ' ' + executable + " --gtest_filter=" + test;
    return "replay: BERTH_SIMULATION_SEED=" + std::to_string(f.seed) + rest + "\n  shrunk from " +
           std::to_string(f.steps) + " steps to " + std::to_string(f.least.steps.size()) + " in " +
           std::to_string(f.trials) + " trials: " + f.least_broke + "\n  BERTH_SIMULATION_PROGRAM='" +
           told(f.least, s.kinds) + '\'' + rest;
}

}  // namespace berth::simulation
