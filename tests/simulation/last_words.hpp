// If the process dies or hangs in the middle of a program: which program that was, and the command that replays it.
#pragma once

#include <cstdint>
#include <string>

namespace berth::simulation::last_words {

/// What the command of a replay ends with: the executable, and the test's name.
void replays_with(const std::string& executable, const std::string& test);

/// From here on an abort, a fault, or 60 seconds without the next program are told with this one's seed.
void program_begins(std::uint64_t seed);
void program_ended();

}  // namespace berth::simulation::last_words
