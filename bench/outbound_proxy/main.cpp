// The outbound proxy under load: all tuples of a block at once, and what it costs beside HAProxy and the kernel's
// choice.
//
//   outbound_proxy_load exact [--ports N] [--destinations N] [--words socks5|http]
//   outbound_proxy_load latency [--probes N] [--rounds N] [--without-haproxy]
//
// Clients, destinations and proxies are processes of their own. Run it in a network namespace, or where nobody else
// opens many connections on loopback.
#include "outbound_proxy/exact.hpp"
#include "outbound_proxy/latency.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <map>

namespace {

using namespace berth::bench;

// Each of the processes has a descriptor a connection, the proxy two and one a tuple.
void want_descriptors() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Load for the outbound proxy"};
    app.require_subcommand(1);
    exact_options exact;
    latency_options latency;
    std::string proxy = BERTH_OUTBOUND_PROXY;
    bool without_haproxy = false;
    latency.haproxy = "haproxy";
    app.add_option("--proxy", proxy, "the program")->capture_default_str();

    auto* const all = app.add_subcommand("exact", "every tuple at once, and not one more");
    all->add_option("--ports", exact.ports)->capture_default_str();
    all->add_option("--destinations", exact.destinations)->capture_default_str();
    all->add_option("--words", exact.words)
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, speech>{{"socks5", speech::socks5}, {"http", speech::http_connect}}));

    auto* const cost = app.add_subcommand("latency", "beside HAProxy and the kernel's own choice of ports");
    cost->add_option("--ports", latency.ports)->capture_default_str();
    cost->add_option("--destinations", latency.destinations)->capture_default_str();
    cost->add_option("--fills", latency.fills, "percent of the tuples that are in use")->delimiter(',');
    cost->add_option("--probes", latency.probes, "connects of each in a round")->capture_default_str();
    cost->add_option("--rounds", latency.rounds)->capture_default_str();
    cost->add_flag("--without-haproxy", without_haproxy);
    CLI11_PARSE(app, argc, argv);

    exact.proxy = latency.proxy = proxy;
    if (without_haproxy) latency.haproxy.clear();
    want_descriptors();
    try {
        return app.got_subcommand(all) ? show_exactness(exact) : compare_latencies(latency);
    } catch (const std::exception& failed) {
        fmt::print(stderr, "{}\n", failed.what());
        return 1;
    }
}
