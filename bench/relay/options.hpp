// What the command line asks for.
#pragma once

#include "relay/conductor.hpp"

#include <string>
#include <vector>

namespace berth::bench {

struct relay_options {
    std::string mode = "quick";
    relay_pace speed;
    bool own_namespace = true;
    std::vector<const relay_scene*> scenes;
    std::vector<const turn_entry*> contestants;
    std::string json, html;
};

/// Returns false if the program should end with `exit_code` now (help, or a mistake that was explained).
bool read_relay_command_line(int argc, char** argv, relay_options& out, int& exit_code);

}  // namespace berth::bench
