// Names and labels of berth's own figures: base units, _total for what only grows.
#include <berth/service/published.hpp>

#include <array>
#include <cmath>
#include <map>

namespace berth::service {
namespace {

double number(std::uint64_t value) noexcept { return static_cast<double>(value); }

void write_ports(scrape& to, const std::string& name, const port_counts& ports) {
    const auto state = [&](const char* which, std::uint32_t count) {
        to.gauge("berth_ports", "Ports of a block, by state", {{"block", name}, {"state", which}}, count);
    };
    state("available", ports.available);
    state("taken", ports.taken);
    state("open", ports.open);
    state("draining", ports.draining);
    state("cooling", ports.cooling);
    state("condemned", ports.condemned);
}

template <std::size_t Size>
void write_latency(scrape& to, const metric_labels& block, const std::array<std::uint64_t, Size>& samples) {
    std::vector<double> bounds;
    std::vector<std::uint64_t> counts;
    double sum = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const double from = std::ldexp(1e-9, static_cast<int>(i));
        if (i + 1 < samples.size()) bounds.push_back(2 * from);
        counts.push_back(samples[i]);
        sum += 1.5 * from * number(samples[i]);
    }
    to.histogram("berth_take_seconds", "Latency of take, of one draw in 1024; its sum is of the buckets' middles",
                 block, bounds, counts, sum);
}

}  // namespace

void write(scrape& to, const std::string& name, const reservation_statistics& books) {
    const metric_labels block{{"block", name}};
    const auto total = [&](const char* what, const char* help, std::uint64_t count) {
        to.counter(what, help, block, number(count));
    };
    write_ports(to, name, books.ports);
    total("berth_takes_total", "Ports handed to workers", books.takes);
    total("berth_gives_back_total", "Ports that came back", books.gives_back);
    total("berth_exhausted_total", "Draws that found no port available", books.exhausted);
    total("berth_condemned_total", "Session sockets that had to be replaced", books.condemned);
    total("berth_renewed_total", "Session sockets that were replaced", books.renewed);
    total("berth_open_failures_total", "Parked sockets that could not be opened", books.open_failures);
    total("berth_not_silent_total", "Rests prolonged because old traffic still came", books.not_silent);
    total("berth_discarded_total", "Datagrams and clients of old sessions thrown away", books.discarded);
    write_latency(to, block, books.take_latency);
    for (std::size_t i = 1; i < books.failures.size(); ++i) {
        if (books.failures[i] == 0) continue;
        const metric_labels labels{{"block", name}, {"cause", make_error_code(static_cast<errc>(i)).message()}};
        to.counter("berth_failures_total", "Draws and binds that failed, by cause", labels,
                   number(books.failures[i]));
    }
}

void write(scrape& to, const std::string& name, const pool_statistics& books) {
    const metric_labels block{{"block", name}};
    write_ports(to, name, books.ports);
    to.counter("berth_takes_total", "Ports handed to workers", block, number(books.takes));
    to.counter("berth_gives_back_total", "Ports that came back", block, number(books.gives_back));
    write_latency(to, block, books.take_latency);
    to.gauge("berth_pool_blocks", "Blocks of a pool", block, books.blocks);
    to.counter("berth_exhausted_total", "Draws that found no port available", block, number(books.exhausted));
    to.counter("berth_pool_growths_total", "Further blocks of a pool", block, number(books.growths));
    to.counter("berth_pool_growths_refused_total", "Further blocks that could not be reserved", block,
               number(books.growths_refused));
}

void write(scrape& to, const std::string& name, const server_statistics& books) {
    const metric_labels server{{"server", name}};
    const auto total = [&](const char* what, const char* help, std::uint64_t count) {
        to.counter(what, help, server, number(count));
    };
    const auto one_of = [&](const char* what, const char* help, const char* label, const char* value,
                            std::uint64_t n) {
        to.counter(what, help, {{"server", name}, {label, value}}, number(n));
    };
    to.gauge("berth_connections", "Connections that are open", server, number(books.active));
    total("berth_connections_accepted_total", "Connections given to a handler", books.accepted);
    total("berth_connections_ended_total", "Of these, those that have ended", books.ended);
    total("berth_received_bytes_total", "Bytes received from clients", books.bytes_in);
    total("berth_sent_bytes_total", "Bytes that the system took for clients", books.bytes_out);
    total("berth_connections_aborted_total", "Ended by an error of the connection", books.aborted);
    total("berth_connections_cut_total", "Ended by a stop", books.cut);
    total("berth_handler_failures_total", "Ended by an exception of their handler", books.handler_failures);
    total("berth_accept_backoffs_total", "Pauses of accepting for want of descriptors or memory",
          books.accept_backoffs);
    total("berth_accept_errors_total", "Connections that ended before they were accepted", books.accept_errors);
    constexpr auto refused = "berth_connections_refused_total";
    constexpr auto why = "Connections that were reset, by the limit that they were beyond";
    one_of(refused, why, "limit", "connections", books.refused_by_limit);
    one_of(refused, why, "limit", "address", books.refused_by_address);
    constexpr auto late = "berth_connection_timeouts_total";
    constexpr auto which = "Connections ended by a deadline";
    one_of(late, which, "deadline", "first_byte", books.first_byte_timeouts);
    one_of(late, which, "deadline", "idle", books.idle_timeouts);
    one_of(late, which, "deadline", "total", books.total_timeouts);
    one_of(late, which, "deadline", "write", books.write_timeouts);
}

void write(scrape& to, const std::string& name, const quota_statistics& books) {
    const metric_labels quota{{"quota", name}};
    to.gauge("berth_quota_keys", "Keys that hold something", quota, books.keys);
    to.gauge("berth_quota_held", "What all keys hold", quota, number(books.held));
    to.counter("berth_quota_taken_total", "Holds handed out", quota, number(books.taken));
    constexpr auto refused = "berth_quota_refused_total";
    constexpr auto why = "Holds refused, by the limit that they were beyond";
    to.counter(refused, why, {{"quota", name}, {"limit", "of_key"}}, number(books.refused_by_limit));
    to.counter(refused, why, {{"quota", name}, {"limit", "keys"}}, number(books.refused_by_keys));
}

publication publish(metric_registry& in, shards& of) {
    std::map<std::pair<std::string, std::string>, std::uint64_t> count_of;
    for (std::size_t i = 0; i < of.size(); ++i)
        ++count_of[{std::string(of[i].backend()), of[i].backend_reason()}];
    return in.publish([count_of = std::move(count_of)](scrape& to) {
        for (const auto& [backend, count] : count_of) {
            const metric_labels labels{{"backend", backend.first}, {"reason", backend.second}};
            to.gauge("berth_backend_info", "Always 1: a backend of the program's shards, and why not a better one",
                     labels, 1);
            to.gauge("berth_shards", "Shards, by backend", labels, number(count));
        }
    });
}

}  // namespace berth::service
