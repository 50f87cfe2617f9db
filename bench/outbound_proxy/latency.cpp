// See latency.hpp.
#include "outbound_proxy/latency.hpp"

#include "measure/clock.hpp"
#include "measure/distribution.hpp"
#include "measure/ratio.hpp"
#include "outbound_proxy/contestant.hpp"
#include "outbound_proxy/crowd.hpp"
#include "outbound_proxy/destinations.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>

namespace berth::bench {
namespace {

struct runner {
    std::unique_ptr<contestant> proxy;
    std::unique_ptr<crowd> clients;
    std::vector<std::int64_t> times{};  // of all probes at one fill, ns
    std::vector<double> of_rounds{};    // the median of each round, ns
    std::int64_t processor_time = 0;    // of the probes, ns
    std::size_t failures = 0;
};

std::vector<std::string> proxy_command(const latency_options& o, std::uint16_t door, const std::string& source) {
    return {o.proxy,       "--listen",     fmt::format("127.0.0.1:{}", door),
            "--source",    source,         "--allow",
            "loopback",    "--http-ports", "1-65535",
            "--log-level", "warning"};
}

// A listener for each destination, each with a server whose connections leave from the same ports.
std::string haproxy_configuration(const latency_options& o, const std::vector<std::uint16_t>& to, std::uint16_t doors,
                                  std::uint16_t first) {
    std::string text =
        "global\n  nbthread 2\n  maxconn 9000\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 10m\n"
        "  timeout server 10m\n";
    for (std::uint32_t i = 0; i < o.destinations; ++i) {
        text += fmt::format(
            "listen d{0}\n  bind 127.0.0.1:{1} maxconn 9000\n  server s{0} 127.0.0.1:{2} source 127.0.0.1:{3}-{4}\n",
            i, doors + i, to[i], first, first + o.ports - 1);
    }
    return text;
}

std::vector<runner> start_all(const latency_options& o, const std::vector<std::uint16_t>& to) {
    std::vector<runner> all;
    const auto add = [&](std::string name, std::vector<std::string> command, entrance at) {
        runner& r = all.emplace_back();
        r.proxy = std::make_unique<contestant>(std::move(name), std::move(command), std::move(at));
        r.clients = std::make_unique<crowd>(r.proxy->at(), to);
    };
    const std::uint16_t block = quiet_ports(o.ports);
    for (const bool reserved : {true, false}) {
        const std::uint16_t door = quiet_ports(1);
        const std::string source =
            reserved ? fmt::format("127.0.0.1:{}-{}/{}", block, block + o.ports - 1, o.destinations) : "kernel";
        add(reserved ? "berth" : "kernel", proxy_command(o, door, source), {speech::socks5, {door}});
    }
    if (!o.haproxy.empty()) {
        const std::uint16_t theirs = quiet_ports(o.ports), doors = quiet_ports(o.destinations);
        const char* const folder = std::getenv("TMPDIR");
        const std::string file = std::string(folder != nullptr ? folder : "/tmp") + "/haproxy.cfg";
        std::ofstream(file) << haproxy_configuration(o, to, doors, theirs);
        entrance at{speech::none, {}};
        for (std::uint32_t i = 0; i < o.destinations; ++i) at.ports.push_back(static_cast<std::uint16_t>(doors + i));
        add("haproxy", {o.haproxy, "-db", "-f", file}, std::move(at));
    }
    return all;
}

bool measure(std::vector<runner>& all, const latency_options& o, std::uint32_t fill) {
    const std::uint32_t each = o.ports * fill / 100;
    std::mt19937 random(7);
    for (runner& r : all) {
        const std::size_t have = r.clients->size() / o.destinations;
        const auto opened = r.clients->open(each - std::min<std::size_t>(each, have));
        for (const auto& [status, count] : opened.refused) {
            fmt::print(stderr, "{}: {} connections refused with {} while filling to {} %\n", r.proxy->name(), count,
                       status, fill);
            return false;
        }
        r.times.clear();
        r.of_rounds.clear();
        r.failures = 0;
        r.processor_time = 0;
    }
    for (std::uint32_t round = 0; round < o.rounds; ++round) {
        for (std::size_t k = 0; k < all.size(); ++k) {
            runner& r = all[(k + round) % all.size()];
            std::vector<std::int64_t> times;
            const std::int64_t before = r.proxy->processor_time();
            for (std::uint32_t i = 0; i < o.probes; ++i) {
                const auto p = r.clients->one(random() % o.destinations, false);
                if (p.status == 0 || p.status == 200)
                    times.push_back(p.time);
                else
                    ++r.failures;
            }
            r.processor_time += r.proxy->processor_time() - before;
            r.times.insert(r.times.end(), times.begin(), times.end());
            if (!times.empty()) r.of_rounds.push_back(static_cast<double>(summarize(times).p50));
        }
    }
    return true;
}

void report(const std::vector<runner>& all, const latency_options& o, std::uint32_t fill) {
    for (const runner& r : all) {
        const distribution d = summarize(r.times);
        const auto ratio = ratio_of_quartiles(all.front().of_rounds, r.of_rounds);
        fmt::print("{:>4} % {:>8} {:>9.1f} {:>9.1f} {:>9.1f} {:>11.1f} {:>8}   {:.2f} ({:.2f} to {:.2f})\n", fill,
                   r.proxy->name(), d.p50 / 1e3, d.p99 / 1e3, d.max / 1e3,
                   static_cast<double>(r.processor_time) / 1e3 / (o.rounds * o.probes), r.failures, ratio.value,
                   ratio.low, ratio.high);
    }
}

}  // namespace

int compare_latencies(const latency_options& o) {
    destinations there(o.destinations);
    auto all = start_all(o, there.ports());
    fmt::print(
        "From a client's connect() to the first byte back from its destination, through each proxy, in us;\n"
        "{} ports, {} destinations, {} rounds of {} connects each, in turns.\n\n",
        o.ports, o.destinations, o.rounds, o.probes);
    fmt::print("used    proxy       p50       p99       max  server cpu   failed   berth's p50 of its\n");
    for (const std::uint32_t fill : o.fills) {
        if (!measure(all, o, fill)) return 1;
        report(all, o, fill);
    }
    std::size_t failures = 0;
    for (const runner& r : all) failures += r.failures;
    return failures == 0 ? 0 : 1;
}

}  // namespace berth::bench
