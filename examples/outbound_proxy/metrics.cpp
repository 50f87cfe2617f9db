// See metrics.hpp.
#include "metrics.hpp"

#include <berth/service/published.hpp>

namespace outbound_proxy {
namespace {

using berth::service::scrape;

struct counter_row {
    const char* name;
    const char* help;
    tally books::*value;
};
constexpr counter_row counters[] = {
    {"outbound_bytes_up_total", "Bytes carried to destinations", &books::bytes_up},
    {"outbound_bytes_down_total", "Bytes carried to clients", &books::bytes_down},
    {"outbound_unwelcome_total", "Names and passwords that are nobody's", &books::unwelcome},
    {"outbound_malformed_total", "Clients that spoke none of the protocols", &books::malformed},
    {"outbound_late_total", "Clients that did not say in time what they want", &books::late},
    {"outbound_proxy_headers_refused_total", "PROXY headers that must not, or must be there",
     &books::untrusted_headers},
    {"outbound_crowded_total", "Clients beyond the limit of the address that a PROXY header says", &books::crowded},
    {"outbound_datagrams_up_total", "Datagrams relayed to destinations", &books::datagrams_up},
    {"outbound_datagrams_down_total", "Datagrams relayed to clients", &books::datagrams_down},
    {"outbound_datagrams_dropped_total", "Datagrams of strangers, fragments, refused destinations",
     &books::datagrams_dropped},
};

void write_books(scrape& to, const books& b) {
    for (const counter_row& row : counters)
        to.counter(row.name, row.help, {}, static_cast<double>((b.*row.value).value()));
    const auto number = [](const tally& t) { return static_cast<double>(t.value()); };
    const std::string requests = "outbound_requests_total", said = "Requests to connect";
    to.counter(requests, said, {{"protocol", "socks5"}}, number(b.socks_requests));
    to.counter(requests, said, {{"protocol", "http"}}, number(b.http_requests));
    for (std::size_t i = 0; i < b.outcomes.size(); ++i) {
        const auto word = i == 0 ? std::string_view("connected") : row_of(static_cast<problem>(i)).word;
        to.counter("outbound_outcomes_total", "What became of them", {{"outcome", std::string(word)}},
                   number(b.outcomes[i]));
    }
    to.counter("outbound_connect_seconds_total", "Time from request to answer, of those that were connected", {},
               number(b.connect_seconds_sum_us) / 1e6);
    to.gauge("outbound_tunnels_open", "Tunnels", {}, number(b.tunnels_open));
    to.gauge("outbound_associations_open", "UDP associations", {}, number(b.associations_open));
}

}  // namespace

std::vector<berth::service::publication> publish_all(berth::service::metric_registry& in, proxy& of,
                                                     const berth::server& by) {
    std::vector<berth::service::publication> out;
    out.push_back(in.publish([&of](scrape& to) { write_books(to, of.counts); }));
    out.push_back(publish(in, by, "clients"));
    const auto show = [&](const source_list& list, const std::string& kind) {
        for (const source& s : list.all()) out.push_back(publish(in, s.ports, kind + s.name));
    };
    show(of.sources, "tcp:");
    show(of.udp_relays, "udp_relay:");
    show(of.udp_sources, "udp:");
    if (of.user_ports) out.push_back(publish(in, *of.user_ports, "ports_of_users"));
    if (of.address_ports) out.push_back(publish(in, *of.address_ports, "ports_of_addresses"));
    if (of.address_clients) out.push_back(publish(in, *of.address_clients, "clients_of_addresses"));
    return out;
}

}  // namespace outbound_proxy
