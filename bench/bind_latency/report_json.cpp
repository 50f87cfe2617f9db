// See report_json.hpp.
#include "bind_latency/report_json.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>

namespace berth::bench {
namespace {

using nlohmann::json;

json percentiles(const distribution& d) {
    return {{"samples", d.count}, {"p50", d.p50}, {"p99", d.p99}, {"p99.9", d.p999}, {"max", d.max}};
}

json to_json(const cell& c) {
    json j{{"strategy", c.entry->name}, {"timed", c.entry->timed},          {"transport", name_of(c.transport)},
           {"fill", name_of(c.fill)},   {"occupancy_percent", c.occupancy}, {"threads", c.threads}};
    if (c.time.count == 0) {
        j["not_run"] = c.reason;
        return j;
    }
    j["nanoseconds"] = percentiles(c.time);
    j["curve"] = c.time.curve;
    j["attempts"] = c.attempts;
    j["failures"] = c.failures;
    j["times_faster_than_first"] = c.ratio;
    return j;
}

json all(const std::vector<cell>& cells) {
    json j = json::array();
    for (const cell& c : cells) j.push_back(to_json(c));
    return j;
}

}  // namespace

void write_json(const report& r, const std::string& path) {
    json j{{"mode", r.mode},
           {"when", r.when},
           {"kernel", r.kernel},
           {"machine", r.machine},
           {"seconds", r.seconds},
           {"clock_read_ns", r.clock_cost},
           {"own_namespace", r.where.own_namespace},
           {"range", {{"first", r.where.range.first}, {"count", r.where.range.count}}},
           {"note", r.where.note},
           {"block_ports", r.block_ports},
           {"bind", all(r.cells)},
           {"connect", all(r.outbound)}};
    for (const target& t : r.targets) {
        json one{{"what", t.what}, {"goal", t.goal}, {"measured", t.measured}};
        one["reached"] = t.reached.has_value() ? json(*t.reached) : json(nullptr);
        j["targets"].push_back(std::move(one));
    }
    for (const plain_line& line : r.plain)
        j["summary"].push_back({{"wish", line.wish},
                                {"kernel", percentiles(line.theirs)},
                                {"berth", percentiles(line.ours)},
                                {"times_faster", line.theirs.p50 / std::max(line.ours.p50, 1.0)}});
    std::ofstream file(path);
    file << j.dump(1) << '\n';
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace berth::bench
