// outbound_connect: how long a connection to one of 100 destinations takes from one of 64 ports, when a tenth and
// when nine tenths of all pairs of port and destination are in use.
//
// A sample is all from wanting the connection to having it: the port, the socket, the handshake over loopback with a
// process on another core. The cells (a way at an occupancy) stand side by side in network namespaces of their own
// and take turns in short slices. Needs the right to make a namespace.
#include "outbound_connect/cell.hpp"

#include "measure/interleave.hpp"
#include "measure/ratio.hpp"
#include "report/machine.hpp"

#include <fmt/format.h>

#include <cstring>
#include <exception>

namespace {

using namespace berth::bench;

constexpr std::uint32_t few = (ports_each * 10 + 50) / 100, many = (ports_each * 90 + 50) / 100;
constexpr double wanted_ratio = 1.2;

struct figures {
    std::vector<std::uint32_t> samples;
    std::vector<double> medians, tails;  // of each slice
};

void measure(cell& c, figures& out, std::uint32_t count) {
    auto samples = c.measure(count);
    if (samples.empty()) samples.push_back(~std::uint32_t{0} - 1);
    out.samples.insert(out.samples.end(), samples.begin(), samples.end());
    const auto d = summarize(std::move(samples));
    out.medians.push_back(d.p50);
    out.tails.push_back(d.p99);
}

int run(bool smoke, bool full) {
    const std::size_t rounds = smoke ? 2 : full ? 400 : 100;
    const std::uint32_t count = smoke ? 20 : 100;  // connects of a slice
    std::vector<cell> cells;
    for (const auto& entry : all_ways()) {
        for (const std::uint32_t each : {few, many}) cells.emplace_back(entry, each);
    }
    std::vector<figures> all(cells.size());
    std::vector<contestant> turns;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        turns.emplace_back([&, i] {
            measure(cells[i], all[i], count);
            return all[i].medians.back();
        });
    }
    static_cast<void>(interleave(rounds, turns));

    const machine_facts machine = describe_machine();
    fmt::print("{}, {}, {}\n{} ports, {} destinations, {} rounds of {} connects; nanoseconds\n\n", machine.machine,
               machine.kernel, machine.when, ports_each, destinations, rounds, count);
    fmt::print("{:<40}{:>21}{:>21}{:>24}{:>16}\n", "", "10 %: p50     p99", "90 %: p50     p99",
               "p99 of 90 % to 10 %", "p50 to berth's");
    double ours = 0;
    for (std::size_t i = 0; i < cells.size(); i += 2) {
        const auto low = summarize(all[i].samples), high = summarize(all[i + 1].samples);
        const auto grown = ratio_of_quartiles(all[i + 1].tails, all[i].tails);
        const auto beside = ratio_of_quartiles(all[i + 1].medians, all[1].medians);
        if (i == 0) ours = high.p99 / low.p99;
        fmt::print("{:<40}{:>13.0f}{:>8.0f}{:>13.0f}{:>8.0f}{:>8.2f} ({:.2f} to {:.2f}){:>13.2f}x\n",
                   cells[i].entry().label, low.p50, low.p99, high.p50, high.p99, high.p99 / low.p99, grown.low,
                   grown.high, beside.value);
        if (cells[i].failures() + cells[i + 1].failures() != 0) {
            fmt::print("{:<40}got none: {} and {}\n", "", cells[i].failures(), cells[i + 1].failures());
        }
    }
    fmt::print("\nOne sample covers:\n");
    for (const auto& entry : all_ways()) fmt::print("  {:<40}{}\n", entry.label, entry.timed);
    if (!smoke) {
        fmt::print("\nTarget: p99 at 90 % at most {} of that at 10 %: {:.2f}, {}\n", wanted_ratio, ours,
                   ours <= wanted_ratio ? "met" : "MISSED");
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const bool smoke = argc == 2 && std::strcmp(argv[1], "--smoke") == 0;
    const bool full = argc == 2 && std::strcmp(argv[1], "--full") == 0;
    if (argc > 1 && !smoke && !full) {
        fmt::print(stderr, "usage: outbound_connect [--smoke | --full]\n");
        return 2;
    }
    try {
        return run(smoke, full);
    } catch (const not_permitted& why) {
        fmt::print("skipped: {}\n", why.what());
        return 77;
    } catch (const std::exception& problem) {
        fmt::print(stderr, "outbound_connect: {}\n", problem.what());
        return 1;
    }
}
