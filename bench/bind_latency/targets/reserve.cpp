// Reserving, per port, against a bare loop of the same calls; what a held, idle port costs; connect, read off the
// table.
#include "baseline/raw/parked_ports.hpp"
#include "bind_latency/targets/subjects.hpp"

#include <malloc.h>

namespace berth::bench {
namespace {

void compare_reserve(target_context& c, protocol p, parking park) {
    const std::uint32_t ports = c.chosen.mode == "smoke" ? 64 : 1024;
    const port_block block = free_block(p, ports);
    reservation_request request;
    request.block = block;
    request.protocol = p == protocol::tcp ? transport::tcp : transport::udp;
    request.family = address_family::ipv4;
    request.park = park;
    const auto ours = [&] {
        const nanoseconds before = now();
        const auto reservation = port_reservation::reserve(request);
        return static_cast<double>(now() - before) / ports;
    };
    double unchecked = 0;
    const auto bare = [&] {
        const nanoseconds before = now();
        const raw::parked_ports held(block, p, park);
        unchecked = static_cast<double>(now() - before) / ports;
        held.check_alone();
        return static_cast<double>(now() - before) / ports;
    };
    const auto bare_unchecked = [&] { return bare(), unchecked; };
    const auto figures = interleave(std::min<std::size_t>(c.rounds(), 15), {ours, bare, bare_unchecked});
    c.out.push_back(at_most(fmt::format("reserve, per port, {}, {}", p == protocol::tcp ? "listener" : "UDP",
                                        park == parking::best ? "with CAP_BPF" : "by system calls"),
                            1.15, lower_quartile(figures[0]),
                            fmt::format("a bare loop of the same calls, {:.0f} ns of it the closing check",
                                        lower_quartile(figures[1]) - lower_quartile(figures[2])),
                            lower_quartile(figures[1])));
}

std::size_t user_bytes() noexcept {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

}  // namespace

void measure_reserve(target_context& c) {
    for (const protocol p : {protocol::udp, protocol::tcp}) {
        compare_reserve(c, p, parking::system_calls);
        const capabilities facts = query_capabilities(parking::best);
        if ((p == protocol::tcp ? facts.park_tcp_listen : facts.park_udp) == park_method::filter_map)
            compare_reserve(c, p, parking::best);
    }
}

void measure_bytes(target_context& c) {
    const capabilities facts = query_capabilities(parking::best);
    const std::uint32_t ports = c.chosen.block_ports;
    const std::size_t before = user_bytes();
    const auto reservation = reserve_for(protocol::udp, ports, parking::best);
    const double each = static_cast<double>(user_bytes() - before) / ports;
    const bool mapped = facts.park_udp == park_method::filter_map;
    const double all = each + (mapped ? 8.0 : 0.0);
    c.out.push_back(
        {"a held, idle port, user memory", "at most 64 bytes",
         fmt::format("{:.1f} bytes{} in a block of {}; kernel memory beside it: {} bytes UDP, {} bytes TCP", all,
                     mapped ? " (8 of them mapped for the filter)" : "", ports, facts.kernel_bytes_per_udp_port,
                     facts.kernel_bytes_per_tcp_port),
         all <= 64});
}

void measure_connect(target_context& c) {
    const std::string goal = "at least 10.0x faster than connect() with the kernel's choice";
    const cell* theirs = find_cell(c.so_far.outbound, "connect", protocol::tcp, fill_style::by_kernel, 90);
    const cell* ours = find_cell(c.so_far.outbound, "connect_taken", protocol::tcp, fill_style::by_kernel, 90);
    if (theirs == nullptr || ours == nullptr) {
        c.out.push_back(
            {"connect from a block, range 90 % full", goal, "the outbound part did not run", std::nullopt});
        return;
    }
    c.out.push_back(at_least("connect from a block, range 90 % full", 10, ours->time.p50,
                             "connect() with the kernel's choice", theirs->time.p50));
}

}  // namespace berth::bench
