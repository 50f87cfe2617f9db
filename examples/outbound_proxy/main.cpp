// A forward proxy, SOCKS5 and HTTP CONNECT, whose connections leave from reserved ports. See README.md.
#include "client.hpp"
#include "metrics.hpp"
#include "options.hpp"

#include <berth/server.hpp>
#include <berth/service/service.hpp>

#include <cstdio>

namespace {

using namespace outbound_proxy;

berth::server_options limits_of(const settings& s) {
    berth::server_options limits;
    limits.max_connections = s.max_connections;
    // Behind a balancer all come from its address: then those that its headers name are counted instead.
    limits.max_connections_per_address = s.proxy_header == header_policy::off ? s.max_per_address : 0;
    limits.first_byte = limits.idle = limits.total = {};  // the clients' own deadlines are finer
    limits.write = s.write;
    return limits;
}

/// Ends before the shards do.
struct running {
    std::shared_ptr<proxy> shared;
    std::unique_ptr<berth::server> server;
    std::vector<berth::service::publication> shown;

    running(const settings& from, berth::service::service& in)
        : shared(std::make_shared<proxy>(from, in.shards(), in.log())),
          server(std::make_unique<berth::server>(in.shards(), limits_of(from))) {
        for (const auto* list : {&shared->sources, &shared->udp_relays, &shared->udp_sources}) {
            for (const source& s : list->all()) {
                in.log().info("source", {{"name", s.name},
                                         {"address", s.address},
                                         {"first", s.ports.block().first},
                                         {"count", s.ports.block().count},
                                         {"for", list == &shared->sources ? "tcp" : "udp"}});
            }
        }
        shown = publish_all(in.metrics(), *shared, *server);
        for (const auto& at : shared->config.listen) in.log().info("listening", {{"at", server->listen(at)}});
        server->start([p = shared](berth::connection from_client) -> asio::awaitable<void> {
            client one(p, std::move(from_client));
            co_await one.serve();
        });
        in.drain().on_begin(
            [this](auto time, auto done) {  // Who is late is cut at the end of the drain, and then by a reset.
                server->async_stop(time + std::chrono::seconds(5), [done](berth::error_code) { done(); });
            });
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;
    ~running() {
        shown.clear();
        shared->stop_watching();
        server.reset();
    }
};

}  // namespace

int main(int argc, char** argv) {
    berth::service::program program("outbound_proxy", "A forward proxy (SOCKS5, HTTP CONNECT) over reserved ports",
                                    "0.1");
    options own(program);
    if (const auto code = program.parse(argc, argv)) return *code;
    settings said;
    try {
        said = own.values();
    } catch (const std::invalid_argument& wrong) {
        std::fprintf(stderr, "outbound_proxy: %s\n", wrong.what());
        return berth::service::exit_code::bad_option;
    }
    return berth::service::run(program,
                               [&](berth::service::service& in) { return std::make_unique<running>(said, in); });
}
