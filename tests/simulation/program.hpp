// What a simulation does: a list of steps with their arguments, drawn from a seed before anything runs.
//
// A step's arguments are plain numbers, and the world takes them modulo what is there at that moment; what chance the
// world needs within a step comes from the step's own seed. So every sub-list of a program is a program, and a step
// does the same whether those before it are there or not, as far as the world is the same: that is what makes a
// failing program shrink.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace berth::simulation {

struct step {
    std::uint8_t what = 0;                ///< index of its kind
    std::array<std::uint16_t, 3> with{};  ///< arguments
    std::uint32_t seed = 0;               ///< of what chance decides while it runs
    bool operator==(const step&) const = default;
};

struct program {
    std::uint64_t seed = 0;  ///< also decides the world that it runs in: sizes, kinds, options
    std::vector<step> steps;
    bool operator==(const program&) const = default;
};

struct step_kind {
    const char* name;      ///< one word
    std::uint32_t weight;  ///< how often it is drawn, among the others'
};

/// The program of a seed: 1 to `longest` steps.
program draw_program(std::uint64_t seed, std::span<const step_kind> kinds, std::size_t longest);

/// In words without blanks but between steps, "17 take:3,0,0@99 release:0,0,0@1", and back. An empty string, or why
/// the text is none.
std::string told(const program& p, std::span<const step_kind> kinds);
std::string read_program(const std::string& text, std::span<const step_kind> kinds, program& out);

}  // namespace berth::simulation
