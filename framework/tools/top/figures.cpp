// See figures.hpp.
#include "figures.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace berth::top {
namespace {

/// Counts as people know them: nothing that a label or a stranger says makes one negative or no number.
double count_of(double value) noexcept { return std::isfinite(value) && value > 0 ? value : 0; }

void add_ports(figures& out, const sample& s) {
    auto& block = out.blocks[std::string(s.label("block"))];
    const double count = count_of(s.value);
    block.total += count;
    const auto state = std::find(port_states.begin(), port_states.end(), s.label("state"));
    if (state != port_states.end()) block.ports[static_cast<std::size_t>(state - port_states.begin())] += count;
}

void add_bucket(figures& out, const sample& s) {
    const auto text = s.label("le");
    double bound = std::numeric_limits<double>::infinity();
    if (text != "+Inf") {
        const auto read = std::from_chars(text.data(), text.data() + text.size(), bound);
        if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || std::isnan(bound)) return;
    }
    out.blocks[std::string(s.label("block"))].take_seconds[bound] = count_of(s.value);
}

backend_figures& backend_of(figures& out, const sample& s) {
    const auto name = s.label("backend"), reason = s.label("reason");
    const auto found = std::find_if(out.backends.begin(), out.backends.end(),
                                    [&](const auto& b) { return b.name == name && b.reason == reason; });
    if (found != out.backends.end()) return *found;
    return out.backends.emplace_back(backend_figures{std::string(name), std::string(reason), {}});
}

void add_to_block(figures& out, const sample& s) {
    auto& block = out.blocks[std::string(s.label("block"))];
    (s.name == "berth_takes_total" ? block.takes : block.exhausted) = count_of(s.value);
}

void add_to_server(figures& out, const sample& s) {
    auto& server = out.servers[std::string(s.label("server"))];
    if (s.name == "berth_connections") server.connections = count_of(s.value);
    if (s.name == "berth_connections_accepted_total") server.accepted = count_of(s.value);
    if (s.name == "berth_connections_refused_total")  // by limit
        server.refused = server.refused.value_or(0) + count_of(s.value);
}

void add_to_daemon(figures& out, const sample& s) {
    const auto what = std::string_view(s.name).substr(std::string_view("berthd_").size());
    const double count = count_of(s.value);
    if (what.starts_with("block_")) {
        auto& kept = out.kept[std::string(s.label("block"))];
        if (what == "block_ports") kept.ports = count;
        if (what == "block_ports_out") kept.out = count;
        if (what == "block_consumers") kept.consumers = count;
        if (what == "block_held") kept.is_held = count > 0;
        return;
    }
    if (!out.daemon) out.daemon.emplace();
    if (what == "blocks") out.daemon->blocks = count;
    if (what == "blocks_held") out.daemon->held = count;
    if (what == "ports") out.daemon->ports = count;
    if (what == "ports_out") out.daemon->out = count;
    if (what == "consumers") out.daemon->consumers = count;
}

}  // namespace

figures figures_of(const exposition& read) {
    figures out;
    out.first_bad = read.first_bad;
    out.bad_count = read.bad_count;
    for (const sample& s : read.samples) {
        if (s.name == "berth_ports") add_ports(out, s);
        if (s.name == "berth_takes_total" || s.name == "berth_exhausted_total") add_to_block(out, s);
        if (s.name == "berth_take_seconds_bucket") add_bucket(out, s);
        if (s.name == "berth_backend_info") backend_of(out, s);
        if (s.name == "berth_shards") backend_of(out, s).shards = count_of(s.value);
        if (s.name == "berth_draining") out.is_draining = count_of(s.value) > 0;
        if (s.name.starts_with("berth_connections")) add_to_server(out, s);
        if (s.name.starts_with("berthd_")) add_to_daemon(out, s);
    }
    return out;
}

std::optional<double> quantile(const buckets& of, double share) {
    if (of.empty() || of.rbegin()->second <= 0) return std::nullopt;
    const double rank = share * of.rbegin()->second;
    double below = 0, from = 0;
    for (const auto& [bound, count] : of) {
        if (count < below) return std::nullopt;  // none of a histogram: cumulative counts do not fall
        if (count >= rank && count > below) {
            if (std::isinf(bound)) return from > 0 ? std::optional(from) : std::nullopt;
            return from + (bound - from) * std::clamp((rank - below) / (count - below), 0.0, 1.0);
        }
        below = count;
        from = bound;
    }
    return std::nullopt;
}

std::optional<double> rate(std::optional<double> before, std::optional<double> now, double seconds) {
    if (!before || !now || !(seconds > 0) || *now < *before) return std::nullopt;
    return (*now - *before) / seconds;
}

}  // namespace berth::top
