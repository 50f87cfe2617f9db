// See options.hpp.
#include "options.hpp"

#include "setting_texts.hpp"
#include "users.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace outbound_proxy {

struct options::texts {
    std::vector<std::string> listen{"127.0.0.1:1080"}, sources{"kernel"}, udp_relay, udp_sources, users, trusted,
        allowed;
    std::string users_file, device, http_ports = "443", socks_ports = "1-65535";
    choice chosen = choice::round_robin;
    header_policy header = header_policy::off;
    double handshake = 10, connect = 15, idle = 300, write = 30;
    std::uint32_t ports_per_user = 0, ports_per_address = 0, clients = 0, per_address = 0, udp_destinations = 64;
};

namespace {

settings::duration seconds(const char* option, double value) {
    if (!(value >= 0 && value < 1e7))
        throw std::invalid_argument(std::string(option) + " is a number of seconds, 0 or more");
    return std::chrono::milliseconds(static_cast<long long>(value * 1000));
}

/// The ports of a block are held for all addresses of both families.
void check_that_none_overlap(const std::vector<source_setting>& a, const std::vector<source_setting>& b,
                             bool is_same) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        for (std::size_t j = is_same ? i + 1 : 0; j < b.size(); ++j) {
            if (!overlap(a[i].ports, b[j].ports)) continue;
            throw std::invalid_argument("two sources have port " +
                                        std::to_string(std::max(a[i].ports.first, b[j].ports.first)) +
                                        ": a port is held for all addresses, so give each source ports of its own");
        }
    }
}

}  // namespace

options::options(berth::service::program& to) : texts_(std::make_unique<texts>()) {
    CLI::App& app = to.options();
    texts& t = *texts_;
    const auto group = [&](const char* name, auto* option) { option->group(name)->capture_default_str(); };
    const char* const clients = "Clients";
    group(clients, app.add_option("--listen", t.listen, "ADDRESS:PORT for SOCKS5 and HTTP alike; port 0: any"));
    group(clients,
          app.add_option("--user", t.users, "NAME:PASSWORD[:SOURCE,SOURCE]; seen by whoever lists processes"));
    group(clients, app.add_option("--users", t.users_file, "File with a user a line, as for --user"));
    group(clients, app.add_option("--max-clients", t.clients, "Connections of clients; 0: no limit"));
    group(clients,
          app.add_option("--max-clients-per-address", t.per_address, "The same, of one address or IPv6 /64"));
    group(
        clients,
        app.add_option("--proxy-protocol", t.header, "PROXY headers of --trust: off, allow, require")
            ->transform(CLI::CheckedTransformer(std::map<std::string, header_policy>{
                {"off", header_policy::off}, {"allow", header_policy::allow}, {"require", header_policy::require}})));
    group(clients, app.add_option("--trust", t.trusted, "ADDRESS[/BITS] of who may send PROXY headers"));

    const char* const outgoing = "Sources";
    group(outgoing,
          app.add_option("--source", t.sources,
                         "[NAME=]ADDRESS:FIRST-LAST[/K], [NAME=]ADDRESS:any*COUNT[/K] (K connections share a "
                         "port), or kernel"));
    group(outgoing, app.add_option("--choose", t.chosen, "Among sources: round-robin, or sticky (by user or address)")
                        ->transform(CLI::CheckedTransformer(std::map<std::string, choice>{
                            {"round-robin", choice::round_robin}, {"sticky", choice::sticky}})));
    group(outgoing,
          app.add_option("--device", t.device, "Interface that TCP connections leave by, whatever the routes say"));
    group(outgoing, app.add_option("--ports-per-user", t.ports_per_user, "Held at once; 0: no limit"));
    group(outgoing, app.add_option("--ports-per-address", t.ports_per_address, "The same, for each client address"));
    group(outgoing,
          app.add_option("--udp-relay", t.udp_relay, "As --source, for the clients' side of UDP ASSOCIATE"));
    group(outgoing, app.add_option("--udp-source", t.udp_sources, "The same for the other side; else --udp-relay's"));

    const char* const rules = "Destinations";
    group(rules, app.add_option("--allow", t.allowed, "Kinds refused else: loopback, link-local, private, own"));
    group(rules, app.add_option("--http-ports", t.http_ports, "Ports that CONNECT may go to"));
    group(rules, app.add_option("--socks-ports", t.socks_ports, "Ports that SOCKS5 may go to, over TCP and UDP"));
    group(rules, app.add_option("--udp-destinations", t.udp_destinations, "Of one association at once"));

    const char* const times = "Seconds";
    group(times, app.add_option("--handshake-time", t.handshake, "From accept to the end of the request"));
    group(times, app.add_option("--connect-time", t.connect, "For names and all attempts"));
    group(times, app.add_option("--idle-time", t.idle, "Without a byte in either direction; 0: no limit"));
    group(times, app.add_option("--write-time", t.write, "In which a client takes nothing of what it asked for"));
}

options::~options() = default;

settings options::values() const {
    const texts& t = *texts_;
    settings s;
    for (const std::string& text : t.listen) {
        const auto at = berth::service::endpoint_of(text);
        if (!at)
            throw std::invalid_argument("--listen '" + text +
                                        "' is no ADDRESS:PORT like 127.0.0.1:1080 or [::1]:1080");
        s.listen.push_back(*at);
    }
    const auto read_all = [](const std::vector<std::string>& from, std::vector<source_setting>& out) {
        for (const std::string& text : from) out.push_back(read_source(text));
    };
    if (t.sources != std::vector<std::string>{"kernel"}) read_all(t.sources, s.sources);
    read_all(t.udp_relay, s.udp_relay);
    read_all(t.udp_sources, s.udp_sources);
    check_that_none_overlap(s.sources, s.sources, true);
    check_that_none_overlap(s.udp_relay, s.udp_relay, true);
    check_that_none_overlap(s.udp_sources, s.udp_sources, true);
    check_that_none_overlap(s.udp_relay, s.udp_sources, false);
    s.chosen = t.chosen;
    s.device = t.device;
    if (!s.device.empty() && s.sources.empty())
        throw std::invalid_argument("--device '" + s.device + "' is for the sockets of sources: give a --source");
    if (!t.users_file.empty()) s.users = read_users(t.users_file);
    for (const std::string& text : t.users) s.users.push_back(read_user(text));
    s.ports_per_user = t.ports_per_user;
    s.ports_per_address = t.ports_per_address;
    s.proxy_header = t.header;
    for (const std::string& text : t.trusted) s.trusted.push_back(read_network(text));
    if (s.proxy_header != header_policy::off && s.trusted.empty())
        throw std::invalid_argument(
            "--proxy-protocol needs --trust: who sends PROXY headers chooses the clients' addresses");
    for (const std::string& kind : t.allowed) {
        bool* const which = kind == "loopback"     ? &s.allowed.loopback
                            : kind == "link-local" ? &s.allowed.link_local
                            : kind == "private"    ? &s.allowed.private_use
                            : kind == "own"        ? &s.allowed.own
                                                   : nullptr;
        if (which == nullptr)
            throw std::invalid_argument("--allow '" + kind + "': there are loopback, link-local, private, own");
        *which = true;
    }
    s.http_ports = read_port_spans(t.http_ports);
    s.socks_ports = read_port_spans(t.socks_ports);
    s.handshake = seconds("--handshake-time", t.handshake);
    s.connect = seconds("--connect-time", t.connect);
    s.idle = seconds("--idle-time", t.idle);
    s.write = seconds("--write-time", t.write);
    s.max_connections = t.clients;
    s.max_per_address = t.per_address;
    if (t.udp_destinations == 0) throw std::invalid_argument("--udp-destinations must be at least 1");
    s.datagram_destinations = t.udp_destinations;
    return s;
}

}  // namespace outbound_proxy
