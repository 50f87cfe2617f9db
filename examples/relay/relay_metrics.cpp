// See relay_metrics.hpp.
#include "relay_metrics.hpp"

#include <berth/service/published.hpp>

#include <string>

namespace relay {
namespace {

template <class Of>
double sum(const relay_server& server, Of of) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < server.size(); ++i) all += of(server.counters(i)).get();
    return static_cast<double>(all);
}

void write(berth::service::scrape& to, const relay_server& server) {
    to.gauge("relay_allocations", "Allocations that live", {},
             static_cast<double>(server.shared().allocations.load()));
    to.gauge("relay_kept_ports", "Odd ports that wait for their token", {},
             static_cast<double>(server.shared().kept.size()));
    to.counter("relay_allocations_total", "Allocations that were made", {},
               sum(
                   server, [](const auto& c) -> auto& { return c.allocations_made; }));
    to.counter("relay_successes_total", "Requests that were granted", {},
               sum(
                   server, [](const auto& c) -> auto& { return c.answers; }));
    for (std::size_t i = 0; i < error_codes.size(); ++i) {
        to.counter("relay_errors_total", "Requests that were refused, by error code",
                   {{"code", std::to_string(error_codes[i])}},
                   sum(
                       server, [i](const auto& c) -> auto& { return c.errors[i]; }));
    }
    for (std::size_t i = 0; i < drop_names.size(); ++i) {
        to.counter("relay_dropped_total", "Datagrams and messages that went no further, by reason",
                   {{"reason", std::string(drop_names[i])}},
                   sum(
                       server, [i](const auto& c) -> auto& { return c.drops[i]; }));
    }
    const auto relayed = [&](const char* direction, const auto& datagrams, const auto& bytes) {
        to.counter("relay_datagrams_total", "Datagrams that were relayed", {{"to", direction}},
                   sum(server, datagrams));
        to.counter("relay_bytes_total", "Their payload", {{"to", direction}}, sum(server, bytes));
    };
    relayed(
        "peers", [](const auto& c) -> auto& { return c.to_peers_datagrams; },
        [](const auto& c) -> auto& { return c.to_peers_bytes; });
    relayed(
        "clients", [](const auto& c) -> auto& { return c.to_clients_datagrams; },
        [](const auto& c) -> auto& { return c.to_clients_bytes; });
}

}  // namespace

std::vector<berth::service::publication> publish(berth::service::metric_registry& in, const relay_server& server) {
    std::vector<berth::service::publication> shown;
    shown.push_back(in.publish([&server](berth::service::scrape& to) { write(to, server); }));
    for (const relay_block& block : server.shared().blocks)
        shown.push_back(berth::service::publish(in, block.ports(), "relay_" + block.address().to_string()));
    if (server.tcp() != nullptr) shown.push_back(berth::service::publish(in, *server.tcp(), "tcp"));
    if (server.tls() != nullptr) shown.push_back(berth::service::publish(in, *server.tls(), "tls"));
    shown.push_back(berth::service::publish(in, server.shared().quotas, "users"));
    return shown;
}

}  // namespace relay
