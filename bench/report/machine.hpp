// Where and when a report was made: figures of two machines, or of two kernels, do not compare.
#pragma once

#include <string>

namespace berth::bench {

struct machine_facts {
    std::string machine;  // 2 cores, name of the processor
    std::string kernel;   // Linux 6.18.44
    std::string when;     // 2026-01-31 12:00 UTC
};

[[nodiscard]] machine_facts describe_machine();

}  // namespace berth::bench
