// What the command line asks for.
#pragma once

#include "loopback/conductor.hpp"

#include <string>
#include <vector>

namespace berth::bench {

struct options {
    std::string mode = "quick";
    pace speed;
    std::vector<const scenario*> scenarios;
    std::vector<const contestant_entry*> contestants;
    std::string json, html;
};

/// Returns false if the program should end with `exit_code` now (help, or a mistake that was explained).
bool read_command_line(int argc, char** argv, options& out, int& exit_code);

}  // namespace berth::bench
