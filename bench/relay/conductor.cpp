// See conductor.hpp.
#include "relay/conductor.hpp"

#include "contest/contest_run.hpp"
#include "relay/seat.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace berth::bench {
namespace {

// After its end a killed server's ring lets go of its sockets only when the kernel comes to it.
constexpr unsigned ports_come_free_within_us = 200'000;

struct on_stage {
    const turn_entry* entry = nullptr;
    contestant_result result;
    std::unique_ptr<seat> place;
};

/// The relayed ports of one server, apart from those that the kernel gives to others in a namespace of our own.
std::uint16_t first_relay_port(std::size_t number, std::uint32_t ports) {
    constexpr std::uint32_t first = 10'000, below = 32'000, second = 37'000, above = 65'000;
    const std::uint32_t fit = (below - first) / ports;
    const std::uint32_t at = static_cast<std::uint32_t>(number);
    const std::uint32_t start = at < fit ? first + at * ports : second + (at - fit) * ports;
    if (start + ports > above) throw std::runtime_error("no room for so many relayed ports: ask for fewer (--ports)");
    return static_cast<std::uint16_t>(start);
}

void drop(on_stage& who, std::string why) {
    who.result.reason = std::move(why);
    who.result.failed = true;
    who.place.reset();
}

on_stage invite(const turn_entry& entry, const relay_scene& what, const relay_setting& where, std::size_t number) {
    on_stage who;
    who.entry = &entry;
    who.result.shown = {entry.name, entry.label, entry.colour};
    if (program_of(entry).empty()) {
        who.result.reason = entry.is_berth ? "left out of this build" : "not on this machine (Debian: coturn)";
        return who;
    }
    const turn_order order{free_port(), first_relay_port(number, where.speed.ports), where.speed.ports};
    try {
        who.place = std::make_unique<seat>(entry, what, order, where.who, where.cores.server, where.speed.patience);
    } catch (const std::exception& problem) {
        drop(who, problem.what());
    }
    return who;
}

}  // namespace

std::vector<scene_result> run_relay_scene(const relay_scene& what, const relay_setting& where,
                                          const std::vector<const turn_entry*>& contestants, progress& bar) {
    std::vector<on_stage> stage;
    for (const turn_entry* entry : contestants) {
        bar.step(fmt::format("{}: {}", what.title, entry->label));
        stage.push_back(invite(*entry, what, where, stage.size()));
    }
    take_turns<std::exception>(
        stage, what.title, where.speed.rounds, bar, [](const on_stage& guest) { return guest.place != nullptr; },
        [&](on_stage& guest) { return guest.place->slice(where.speed.slice); },
        [&](on_stage& guest, std::string why) { drop(guest, std::move(why)); });
    scene_result scene;
    scene.what = {what.name, what.meaning, what.unit, what.size, what.clients};
    scene.title = what.title;
    scene.figure = what.figure;
    scene.connections = what.clients;
    for (on_stage& who : stage) {
        if (who.place && who.result.reason.empty() && !who.place->complaints().empty())
            who.result.reason = "refused " + who.place->complaints();
        scene.contestants.push_back(std::move(who.result));
    }
    finish(scene);
    stage.clear();
    ::usleep(ports_come_free_within_us);
    return {scene};
}

}  // namespace berth::bench
