// See conductor.hpp.
#include "loopback/conductor.hpp"

#include "contest/contest_run.hpp"
#include "contest/measured_slice.hpp"
#include "loopback/idle_memory.hpp"
#include "loopback/load/load.hpp"
#include "loopback/server_process.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <memory>

namespace berth::bench {
namespace {

struct on_stage {
    const contestant_entry* entry = nullptr;
    contestant_result result;
    std::unique_ptr<server_process> server;
    std::unique_ptr<load> clients;
};

void drop(on_stage& who, const scenario& s, std::string why) {
    const bool expected = may_fail(*who.entry, s);
    who.result.reason = std::move(why);
    if (expected) who.result.reason += fmt::format(" ({})", who.entry->why_it_may);
    who.result.failed = !expected;
    who.clients.reset();
    who.server.reset();
}

slice_figures run_slice(on_stage& who, nanoseconds duration) {
    return measure_slice(*who.server, [&](recorder& latency) { return who.clients->run(duration, latency); });
}

on_stage invite(const contestant_entry& entry, const scenario& s, const setting& where) {
    on_stage who;
    who.entry = &entry;
    who.result.shown = {entry.name, entry.label, entry.colour};
    if (::access(executable_of(entry).c_str(), X_OK) != 0) {
        who.result.reason = "left out of this build";
        return who;
    }
    try {
        if (s.load == load_kind::idle) {
            who.result.bytes = idle_bytes_per_connection(entry, s, where.cores.server, where.speed.patience);
            return who;
        }
        who.server = std::make_unique<server_process>(entry, s, where.cores.server);
        who.clients = make_load(s, who.server->port(), where.speed.patience);
    } catch (const std::exception& problem) {
        drop(who, s, problem.what());
    }
    return who;
}

/// All loads stand at the same time, and each server has as many descriptors as its load.
unsigned affordable(const scenario& s, const setting& where, std::size_t contestants) {
    const std::uint64_t loads = s.load == load_kind::idle ? 1 : std::max<std::size_t>(contestants, 1);
    const std::uint64_t each = where.descriptors > 256 ? (where.descriptors - 200) / loads : 10;
    return std::min({s.connections, where.speed.most_connections, static_cast<unsigned>(each)});
}

std::vector<const contestant_entry*> those_for(const scenario& s,
                                               const std::vector<const contestant_entry*>& contestants) {
    std::vector<const contestant_entry*> out;
    std::copy_if(contestants.begin(), contestants.end(), std::back_inserter(out),
                 [&](const contestant_entry* entry) { return takes_part(*entry, s); });
    return out;
}

}  // namespace

std::size_t steps_of(const scenario& s, const pace& speed, const std::vector<const contestant_entry*>& contestants) {
    const std::size_t turns = s.load == load_kind::idle ? 1 : speed.rounds + 2;
    return turns * those_for(s, contestants).size();
}

std::vector<scene_result> run_scenario(const scenario& s, const setting& where,
                                       const std::vector<const contestant_entry*>& contestants, progress& bar) {
    const auto taking_part = those_for(s, contestants);
    scenario adapted = s;
    adapted.connections = affordable(s, where, taking_part.size());
    std::vector<on_stage> stage;
    for (const contestant_entry* entry : taking_part) {
        bar.step(fmt::format("{}: {}", s.title, entry->label));
        stage.push_back(invite(*entry, adapted, where));
    }
    if (s.load != load_kind::idle) {
        take_turns<server_silent>(
            stage, s.title, where.speed.rounds, bar, [](const on_stage& guest) { return guest.clients != nullptr; },
            [&](on_stage& guest) { return run_slice(guest, where.speed.slice); },
            [&](on_stage& guest, std::string why) { drop(guest, s, std::move(why)); });
    }

    scene_result scene;
    scene.what = {s.name, s.meaning, unit_of(s), s.size, s.connections};
    scene.title = s.title;
    scene.figure = s.figure;
    scene.connections = adapted.connections;
    for (on_stage& who : stage) scene.contestants.push_back(std::move(who.result));
    std::vector<scene_result> scenes{scene};
    if (!s.also_tail.empty()) {
        scene.title = s.also_tail;
        scene.figure = headline::tail_latency;
        scenes.push_back(std::move(scene));
    }
    for (scene_result& one : scenes) finish(one);
    return scenes;
}

}  // namespace berth::bench
