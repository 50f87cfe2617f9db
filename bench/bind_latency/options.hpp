// What the command line asks for.
#pragma once

#include "bind_latency/cell_runner.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace berth::bench {

struct options {
    std::string mode = "quick";
    std::vector<protocol> transports;
    std::vector<double> occupancies;
    std::vector<unsigned> threads;
    std::vector<std::string> strategies;  // empty: all
    std::uint32_t range_size = 12288;  // the default range has 28,232: what the kernel pays grows with it
    std::uint32_t block_ports = 3072;  // lowered to what the descriptors allow
    pace speed;
    pace target_speed;
    std::string json, html;
    bool own_namespace = true;
    bool targets = true;
    bool everything = false;  // print every cell, not the chosen ones
};

/// Returns false if the program should end with `exit_code` now (help, or a mistake that was explained).
bool read_command_line(int argc, char** argv, options& out, int& exit_code);

}  // namespace berth::bench
