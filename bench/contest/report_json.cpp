// See report_json.hpp.
#include "contest/report_json.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>

namespace berth::bench {
namespace {

using nlohmann::json;

std::string_view name_of(headline figure) {
    switch (figure) {
        case headline::processor_time:
            return "server_ns_per_unit";
        case headline::median_latency:
            return "p50_ns";
        case headline::tail_latency:
            return "p99_ns";
        case headline::memory:
            break;
    }
    return "user_bytes_per_connection";
}

json to_json(const contestant_result& c) {
    json j{{"contestant", c.shown.name}};
    if (!c.reason.empty()) j["reason"] = c.reason;
    if (c.rounds.empty() && c.reason.empty()) j["figure"] = c.bytes;
    if (c.figure <= 0 || c.ratio.rounds == 0) return j;
    j["figure"] = c.figure;
    j["ratio"] = {{"value", c.ratio.value}, {"low", c.ratio.low}, {"high", c.ratio.high}, {"rounds", c.ratio.rounds}};
    j["server_ns_per_unit"] = c.server_ns;
    j["p50_ns"] = c.p50;
    j["p99_ns"] = c.p99;
    j["units_per_second"] = c.units_per_second;
    j["lost_share"] = c.lost_share;
    j["server_core_share"] = c.busy;
    for (const auto& round : c.rounds)
        j["slices"].push_back(round ? json{{"units", round->units},
                                           {"lost", round->lost},
                                           {"seconds", round->seconds},
                                           {"server_ns", round->server_ns},
                                           {"server_waited_ns", round->server_waited_ns},
                                           {"client_waited_ns", round->client_waited_ns},
                                           {"p50_ns", round->p50},
                                           {"p99_ns", round->p99}}
                                    : json(nullptr));
    return j;
}

}  // namespace

void write_json(const report& r, const std::string& path) {
    json j{{"mode", r.mode},
           {"when", r.where.when},
           {"kernel", r.where.kernel},
           {"machine", r.where.machine},
           {"server_core", r.server_core},
           {"load_core", r.load_core},
           {"rounds", r.rounds},
           {"slice_seconds", r.slice_seconds},
           {"waited_for_a_core_share", waited_share(r)},
           {"seconds", r.seconds}};
    for (const scene_result& scene : r.scenes) {
        json one{{"scenario", scene.what.name},      {"title", scene.title},
                 {"unit", scene.what.unit},          {"message_bytes", scene.what.size},
                 {"connections", scene.connections}, {"figure", name_of(scene.figure)}};
        for (const contestant_result& c : scene.contestants) one["contestants"].push_back(to_json(c));
        j["scenes"].push_back(std::move(one));
    }
    for (const target_result& t : r.targets)
        j["targets"].push_back(
            {{"what", t.what}, {"target", t.goal}, {"measured", t.measured}, {"reached", t.is_reached}});
    std::ofstream file(path);
    file << j.dump(1) << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace berth::bench
