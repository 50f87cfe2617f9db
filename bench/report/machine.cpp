// See machine.hpp.
#include "report/machine.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <ctime>
#include <fstream>

namespace berth::bench {

machine_facts describe_machine() {
    machine_facts facts;
    utsname system{};
    uname(&system);
    facts.kernel = fmt::format("{} {}", system.sysname, system.release);
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0) {
            facts.machine = line.substr(line.find(':') + 2);
            break;
        }
    facts.machine =
        fmt::format("{} cores{}{}", sysconf(_SC_NPROCESSORS_ONLN), facts.machine.empty() ? "" : ", ", facts.machine);
    const std::time_t today = std::time(nullptr);
    char text[32] = {};
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", std::gmtime(&today));
    facts.when = text;
    return facts;
}

}  // namespace berth::bench
