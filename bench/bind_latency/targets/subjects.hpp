// The subjects that targets are measured on, one function per file of this folder, and how a line is worded.
#pragma once

#include "bind_latency/targets/targets.hpp"
#include "measure/interleave.hpp"
#include "report/wording.hpp"

#include <berth/port_reservation.hpp>

namespace berth::bench {

struct target_context {
    const options& chosen;
    const report& so_far;
    filler& crowd;
    std::vector<target>& out;

    [[nodiscard]] std::size_t rounds() const noexcept { return chosen.target_speed.rounds; }
    [[nodiscard]] std::uint32_t block_ports() const noexcept { return std::min(chosen.block_ports, 512u); }
};

void measure_claim(target_context& c);
void measure_crowded(target_context& c);
void measure_take(target_context& c);
void measure_threads(target_context& c);
void measure_associate(target_context& c);
void measure_reserve(target_context& c);
void measure_connect(target_context& c);
void measure_bytes(target_context& c);

/// "ours" must not cost more than `limit` times "theirs". Nanoseconds each.
[[nodiscard]] inline target at_most(std::string what, double limit, double ours, std::string_view whose,
                                    double theirs) {
    return {std::move(what), fmt::format("at most {:g}x {}", limit, whose),
            fmt::format("{:.2f}x ({} against {})", ours / theirs, fmt_time(ours), fmt_time(theirs)),
            ours <= limit * theirs};
}

/// "ours" must be `limit` times faster than "theirs". Nanoseconds each.
[[nodiscard]] inline target at_least(std::string what, double limit, double ours, std::string_view whose,
                                     double theirs) {
    return {std::move(what), fmt::format("at least {} faster than {}", fmt_times(limit), whose),
            fmt::format("{} ({} against {})", fmt_times(theirs / ours), fmt_time(ours), fmt_time(theirs)),
            theirs >= limit * ours};
}

/// A reservation for a target: IPv4, all addresses, listeners if TCP.
[[nodiscard]] inline port_reservation reserve_for(protocol p, std::uint32_t ports, parking park) {
    reservation_request request;
    request.block = {0, ports};
    request.protocol = p == protocol::tcp ? transport::tcp : transport::udp;
    request.family = address_family::ipv4;
    request.park = park;
    return port_reservation::reserve(request);
}

/// A block that was free a moment ago, for a bare baseline.
[[nodiscard]] inline port_block free_block(protocol p, std::uint32_t ports) {
    return reserve_for(p, ports, parking::system_calls).block();
}

}  // namespace berth::bench
