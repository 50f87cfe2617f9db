// How simulations run: program after program in a world of its own, until enough operations are done or one breaks.
//
// A world is the library over a model of the system, and what must hold of the two. It does a step and looks at every
// invariant; all that it does is decided by the program, so the same program ends the same way. A program that breaks
// something is run again (it must break alike), is shrunk, and is told with the command that replays it.
#pragma once

#include "simulation/program.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace berth::simulation {

/// How often what was reached; named by an enumeration of the world's.
class tally {
public:
    explicit tally(std::span<const char* const> names) : names_(names), counts_(names.size()) {}
    template <class Mark>
    void operator()(Mark mark, std::uint64_t n = 1) noexcept {
        counts_[static_cast<std::size_t>(mark)] += n;
    }
    [[nodiscard]] std::span<const char* const> names() const noexcept { return names_; }
    [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }
    /// "3 opened, 1 condemned"
    [[nodiscard]] std::string text() const;
    /// Those that stayed 0, with blanks between.
    [[nodiscard]] std::string never() const;

private:
    std::span<const char* const> names_;
    std::vector<std::uint64_t> counts_;
};

struct outcome {
    bool did = false;     ///< the library was called: it counts as an operation
    std::string broke{};  ///< "rule: details", or empty
    bool acted = false;   ///< not the library, but the world around it did something: counted by its kind alone
};

class world {
public:
    virtual ~world() = default;
    /// Does it, and checks what must hold between steps.
    virtual outcome go(const step& s) = 0;
    /// Ends everything, and checks what must hold then. Empty, or what broke.
    virtual std::string end() = 0;
    /// Of all answers so far: equal in two runs of one program.
    [[nodiscard]] virtual std::uint64_t digest() const = 0;
};

struct subject {
    std::string name;
    std::span<const step_kind> kinds;
    std::span<const char* const> marks;  ///< of the tally that make() is given
    std::size_t longest = 400;           ///< steps of a program
    std::function<std::unique_ptr<world>(std::uint64_t seed, tally& reached)> make;
};

/// What was asked for; read_options() takes the environment's word over that of the test:
///   BERTH_SIMULATION_OPERATIONS  how many, at least           BERTH_SIMULATION_FIRST    the first seed
///   BERTH_SIMULATION_SEED        this program alone           BERTH_SIMULATION_PROGRAM  this one, written down
struct options {
    std::uint64_t operations = 100'000;
    std::uint64_t first_seed = 1;
    std::optional<std::uint64_t> only_seed{};
    std::string only_program{};
};
options read_options(std::uint64_t operations);

struct finding {
    std::uint64_t seed = 0;
    std::string broke;      ///< of the program as it was drawn
    std::size_t steps = 0;  ///< of that program, up to the failure
    program least;          ///< shrunk
    std::string least_broke;
    std::size_t trials = 0;  ///< that shrinking took
};

struct report {
    std::uint64_t operations = 0, programs = 0;
    tally kinds, reached;
    double processor_seconds = 0;
    std::optional<finding> found;
    explicit report(const subject& s);
    /// "name: 1,000,123 operations, 4,000 programs, ..." and the counts.
    [[nodiscard]] std::string text(const subject& s) const;
};

struct ran {
    std::string broke;
    std::size_t at = 0;  ///< the step that broke it; past the last: the end did
    std::uint64_t digest = 0;
};
ran run(const subject& s, const program& p, tally& kinds, tally& reached, std::uint64_t& operations);

report simulate(const subject& s, const options& asked);

/// Replays of what was found, each one command: the seed, and the shrunk program. `test`: GoogleTest's name of it.
std::string replay_commands(const finding& f, const subject& s, const std::string& executable,
                            const std::string& test);

}  // namespace berth::simulation
