// While it lives other programs wait for this one and its children, as far as the system lets it: benchmarks of
// servers keep both cores busy, and what else runs on them is noise.
//
// Where the kernel groups processes by session (autogroup) a nice value counts within the session alone, so that the
// group's is set too; it is the group of whoever started us, and therefore put back.
#pragma once

#include <sys/resource.h>

#include <fstream>
#include <string>

namespace berth::bench {

class first_in_line {
public:
    first_in_line() {
        setpriority(PRIO_PROCESS, 0, foremost);
        std::string group, word;
        if (!(std::ifstream(file) >> group >> word >> before_) || word != "nice") return;
        std::ofstream out(file);
        out << foremost << std::flush;
        was_changed_ = static_cast<bool>(out);
    }
    ~first_in_line() {
        if (was_changed_) std::ofstream(file) << before_ << std::flush;
    }
    first_in_line(const first_in_line&) = delete;
    first_in_line& operator=(const first_in_line&) = delete;

private:
    static constexpr int foremost = -20;
    static constexpr const char* file = "/proc/self/autogroup";
    int before_ = 0;
    bool was_changed_ = false;
};

}  // namespace berth::bench
