// Server on one processor, load on another: the first two that this process may use, which may be one and the same.
#pragma once

#include <sched.h>

namespace berth::bench {

struct core_pair {
    int server = 0;
    int load = 0;
};

inline core_pair choose_cores() noexcept {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    sched_getaffinity(0, sizeof allowed, &allowed);
    core_pair cores{-1, -1};
    for (int core = 0; core < CPU_SETSIZE; ++core) {
        if (!CPU_ISSET(core, &allowed)) continue;
        if (cores.server < 0)
            cores.server = cores.load = core;
        else if (cores.load == cores.server)
            cores.load = core;
    }
    return cores;
}

inline void stay_on(int core) noexcept {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    sched_setaffinity(0, sizeof one, &one);
}

}  // namespace berth::bench
