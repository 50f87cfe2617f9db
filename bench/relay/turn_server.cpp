// See turn_server.hpp.
#include "relay/turn_server.hpp"

#include "relay/turn_clients.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace berth::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* coturn = "/usr/bin/turnserver";

fs::path berth_relay() { return fs::read_symlink("/proc/self/exe").parent_path() / "../../examples/relay/relay"; }

// As those who run it for its speed set it up: no TLS, no command line, no database that is asked for anything, no
// log.
std::vector<std::string> words_for_coturn(const turn_order& order, const account& who) {
    return {coturn,
            "-n",
            "--listening-ip=127.0.0.1",
            "--relay-ip=127.0.0.1",
            fmt::format("--listening-port={}", order.port),
            fmt::format("--min-port={}", order.first_relay_port),
            fmt::format("--max-port={}", order.first_relay_port + order.relay_ports - 1),
            "--lt-cred-mech",
            fmt::format("--user={}:{}", who.user(), who.password()),
            fmt::format("--realm={}", who.realm()),
            "--no-tls",
            "--no-dtls",
            "--no-cli",
            "--no-software-attribute",
            "--no-rfc5780",
            "--no-stun-backward-compatibility",
            "--no-dynamic-ip-list",
            "--no-dynamic-realms",
            "--no-multicast-peers",
            "--allow-loopback-peers",
            "--log-file=/dev/null",
            "--simple-log",
            "--no-stdout-log",
            "--userdb=/dev/null/none",
            "--pidfile=/dev/null"};
}

// Its ports rest for a second, as coturn's do.
std::vector<std::string> words_for_berth(const std::string& program, const turn_order& order, const account& who) {
    return {program,
            fmt::format("--listen=127.0.0.1:{}", order.port),
            "--relay-address=127.0.0.1",
            order.first_relay_port == 0 ? fmt::format("--ports={}", order.relay_ports)
                                        : fmt::format("--ports={}-{}", order.first_relay_port,
                                                      order.first_relay_port + order.relay_ports - 1),
            fmt::format("--user={}:{}", who.user(), who.password()),
            fmt::format("--realm={}", who.realm()),
            "--allow-loopback-peers",
            "--cool-down=1000",
            "--log-level=warning",
            "--shards=1"};
}

void wait_until_it_answers(pinned_process& process, std::uint16_t port, const account& who) {
    constexpr nanoseconds once = 20'000'000, in_all = 5'000'000'000;
    const nanoseconds start = now();
    while (now() - start < in_all) {
        if (!process.is_running()) throw std::runtime_error("it ended before it served");
        turn_clients asking(port, who, once);
        try {
            if (asking.ping(asking.newcomers(1)).done == 1) return;
        } catch (const server_silent&) {
        }
    }
    throw std::runtime_error("it did not answer within five seconds");
}

}  // namespace

const std::vector<turn_entry>& all_turn_servers() {
    static const std::vector<turn_entry> all = {
        {"coturn", "coturn", 0, false, {"--relay-threads=1"}},
        {"coturn_again", "coturn once more (A/A)", 0, false, {"--relay-threads=1"}},
        {"coturn_alone", "coturn, one thread for all", 0, false, {"--relay-threads=0"}},
        {"berth", "berth's relay", 8, true},
    };
    return all;
}

std::string program_of(const turn_entry& entry) {
    const fs::path path = entry.is_berth ? berth_relay() : fs::path(coturn);
    return ::access(path.c_str(), X_OK) == 0 ? path.string() : "";
}

std::vector<std::string> words_for(const turn_entry& entry, const turn_order& order, const account& who) {
    std::vector<std::string> words =
        entry.is_berth ? words_for_berth(program_of(entry), order, who) : words_for_coturn(order, who);
    words.insert(words.end(), entry.arguments.begin(), entry.arguments.end());
    return words;
}

std::uint16_t free_port() {
    const client_socket s(raw::open_socket(SOCK_DGRAM));
    raw::bind_to(s.fd(), 0);
    return raw::port_of(s.fd());
}

turn_server::turn_server(const std::vector<std::string>& words, const turn_order& order, const account& who, int core,
                         words_of_child spoken)
    : order_(order) {
    process_.emplace(words, core, -1, spoken);
    wait_until_it_answers(*process_, order.port, who);
}

}  // namespace berth::bench
