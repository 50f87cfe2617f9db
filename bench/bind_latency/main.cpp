// bind_latency: how long it takes to come by a bound socket, in an empty and in a crowded port range.
//
// Order matters: the namespace first, then the processes that fill and listen, then everything that reserves.
#include "bind_latency/matrix.hpp"
#include "bind_latency/options.hpp"
#include "bind_latency/outbound.hpp"
#include "bind_latency/report_html.hpp"
#include "bind_latency/report_json.hpp"
#include "bind_latency/report_table.hpp"
#include "bind_latency/targets/targets.hpp"
#include "report/machine.hpp"

#include <exception>

namespace {

using namespace berth::bench;

/// Three reservations stand at the same time, each with a holder and a session socket per port.
std::uint32_t affordable_block(std::uint32_t wanted, std::uint64_t descriptors) {
    const std::uint64_t most = descriptors > 1024 ? (descriptors - 512) / 6 : 64;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, most));
}

int run(options& o) {
    const nanoseconds start = now();
    report r;
    r.mode = o.mode;
    r.clock_cost = read_cost();
    const machine_facts facts = describe_machine();
    r.machine = facts.machine;
    r.kernel = facts.kernel;
    r.when = facts.when;
    r.where = enter_surroundings(o.own_namespace, o.range_size);
    r.block_ports = o.block_ports = affordable_block(o.block_ports, r.where.descriptors);
    filler crowd(r.where.range, r.where.descriptors);
    drained_listener server(r.where.range);
    stay_on_core(0);
    {
        progress bar(matrix_steps(o) + outbound_steps(o) + (o.targets ? target_steps() : 0));
        r.cells = run_matrix(o, r.where, crowd, bar);
        r.outbound = run_outbound(o, r.where, crowd, server, bar);
        if (o.targets) r.targets = run_targets(o, r, crowd, bar);
    }
    r.plain = plain_lines(r);
    r.seconds = static_cast<double>(now() - start) * 1e-9;
    print_report(r, o.everything);
    if (!o.json.empty()) write_json(r, o.json);
    if (!o.html.empty()) write_html(r, o.html);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    options o;
    int exit_code = 0;
    if (!read_command_line(argc, argv, o, exit_code)) return exit_code;
    try {
        return run(o);
    } catch (const std::exception& problem) {
        fmt::print(stderr, "bind_latency: {}\n", problem.what());
        return 1;
    }
}
