// relay: a TURN server (RFC 8656). See README.md.
#include "relay_metrics.hpp"
#include "relay_server.hpp"

#include <berth/service/graceful_drain.hpp>
#include <berth/service/logger.hpp>
#include <berth/service/metric_registry.hpp>
#include <berth/service/program.hpp>

#include <CLI/CLI.hpp>

#include <exception>

namespace {

void add_options(CLI::App& app, relay::relay_options& o) {
    app.add_option("--listen", o.listen, "ADDRESS:PORT for UDP and TCP; port 0: one that is free");
    app.add_option("--tls-listen", o.tls_listen, "ADDRESS:PORT for TLS");
    app.add_option("--certificate", o.certificate, "PEM file: the chain of certificates");
    app.add_option("--key", o.key, "PEM file: its private key");
    app.add_option("--relay-address", o.relay_address, "The address that peers talk to; one for each family");
    app.add_option("--external-address", o.external_address, "What clients are told instead, behind a 1:1 NAT");
    app.add_option("--ports", o.ports, "The relayed ports: FIRST-LAST, or how many");
    app.add_option("--realm", o.realm, "Realm of the credentials");
    app.add_option("--user", o.users, "NAME:PASSWORD");
    app.add_option("--rest-secret", o.rest_secret, "Secret of time-limited credentials");
    app.add_option("--quota", o.quota, "Allocations of one user at once, and ports kept for one by EVEN-PORT; 0: no limit");
    app.add_flag("--allow-loopback-peers", o.rules.allow_loopback, "Peers on this machine");
    app.add_flag("--allow-private-peers", o.rules.allow_private, "Peers on private networks");
    app.add_flag("--rfc5766-channels", o.limit.rfc5766_channels,
                 "Channels 0x5000 to 0x7FFF too, as clients of RFC 5766 choose them");
    app.add_option("--max-lifetime", o.max_lifetime, "Seconds between two refreshes, at most");
    app.add_option("--cool-down", o.cool_down, "Milliseconds that a relayed port rests after its use");
    app.add_option("--refusals", o.limit.refusals_a_second,
                   "Answers a second to one address that has shown no credentials; 0: no limit");
    app.add_option("--alternate-server", o.alternate_server, "ADDRESS:PORT that new clients hear of during a drain");
    app.add_option("--stream-grace", o.stream_grace,
                   "Seconds that a TCP or TLS client may be without an allocation; a third of it without a byte");
    app.add_option("--max-connections", o.max_connections, "TCP and TLS clients; 0: no limit");
    app.add_option("--max-connections-per-address", o.max_connections_per_address, "The same, of one address");
}

int serve(const berth::service::settings& values, const relay::relay_options& options) {
    using namespace berth::service;
    logger log({.level = values.level, .format = values.format});
    log.take_berths_messages();
    try {
        berth::shards_options wanted{.count = values.shards};
        wanted.context.lent_buffer_count = 2048;  // bursts of datagrams
        berth::shards shards(wanted);
        metric_registry metrics;
        graceful_drain drain(shards, log, values.drain_time);
        log.info("backend", {{"backend", shards[0].backend()}, {"shards", shards.size()}});
        relay::relay_server server(options, shards, log);
        const auto shown = relay::publish(metrics, server);
        if (values.metrics) log.info("metrics_listening", {{"at", metrics.listen(*values.metrics)}});
        server.start();
        drain.on_begin([&](auto, auto done) { server.drain(done); });
        return drain.run();
    } catch (const relay::wrong_option& wrong) {
        log.error("failed", {{"what", wrong.what()}});
        return exit_code::bad_option;
    } catch (const std::exception& failed) {
        log.error("failed", {{"what", failed.what()}});
        return exit_code::failed;
    }
}

}  // namespace

int main(int argc, char** argv) {
    berth::service::program program("relay", "A TURN server", "1.0");
    relay::relay_options options;
    add_options(program.options(), options);
    if (const auto code = program.parse(argc, argv)) return *code;
    return serve(program.values(), options);
}
