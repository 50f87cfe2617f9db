// One scene: all servers are started and filled, then take turns slice by slice; who does not have its turn sleeps.
//
// A contestant that stops answering is out of this scene, with its reason; the others go on.
#pragma once

#include "process/cores.hpp"
#include "relay/account.hpp"
#include "relay/scene.hpp"
#include "relay/turn_server.hpp"
#include "report/progress.hpp"

#include <cstddef>
#include <vector>

namespace berth::bench {

struct relay_pace {
    std::size_t rounds = 15;
    nanoseconds slice = 60'000'000;  // of media
    nanoseconds patience = 2'000'000'000;
    std::uint32_t ports = 8000;  // that each server relays with
};

struct relay_setting {
    relay_pace speed;
    core_pair cores;
    account who;
};

/// Two tables if the scene asks for its tail as well.
[[nodiscard]] std::vector<scene_result> run_relay_scene(const relay_scene& what, const relay_setting& where,
                                                        const std::vector<const turn_entry*>& contestants,
                                                        progress& bar);

}  // namespace berth::bench
