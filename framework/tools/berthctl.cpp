// berthctl: the administrator's tool for persistent blocks. Everything it does, the public interface does.
//
// Exits: 0 done; 1 the block is not to be had (in use, overlapping, busy, no such one); 2 the command line makes no
// sense; 3 not permitted; 4 no daemon answers; 5 anything else. Results go to stdout, failures to stderr; with --json
// both are JSON, one object or array a call.
#include "status_metrics.hpp"

#include <berth/persistent.hpp>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace {

using namespace berth;
using nlohmann::json;

struct command_line {
    persistent_options options;
    bool as_json = false;
    bool undo = false;
    bool as_metrics = false;
    std::string protocol, use = "listen";
    std::uint32_t first = 0;
    std::uint32_t count = 1;
    [[nodiscard]] transport asked_protocol() const { return protocol == "tcp" ? transport::tcp : transport::udp; }
    [[nodiscard]] port_block block() const { return {static_cast<std::uint16_t>(first), count}; }
};

const char* name_of(transport protocol) { return protocol == transport::tcp ? "tcp" : "udp"; }

std::string state_of(const persistent_block& b) {
    return !b.is_held ? "not held" : b.is_draining ? "draining" : "held";
}

std::string in_hex(reservation_token token) { return fmt::format("{:016x}", token.value()); }

std::string time_of(const persistent_block& b) {
    const auto seconds = std::chrono::system_clock::to_time_t(b.created);
    char text[32] = "";
    std::tm parts{};
    if (gmtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

json to_json(const persistent_block& b) {
    json out{{"protocol", name_of(b.protocol)},
             {"first", b.block.first},
             {"count", b.block.count},
             {"state", state_of(b)},
             {"out", b.ports_out},
             {"consumers", b.consumers},
             {"token", in_hex(b.token)},
             {"created", time_of(b)}};
    if (b.protocol == transport::tcp) out["use"] = b.use == tcp_use::listen ? "listen" : "connect";
    if (!b.is_held) out["why"] = b.why_not_held;
    return out;
}

json to_json(const service_status& s) {
    return {{"process", s.process},     {"uptime_seconds", s.uptime.count()}, {"keeper", s.keeper},
            {"blocks", s.blocks},       {"blocks_held", s.blocks_held},       {"ports", s.ports},
            {"ports_out", s.ports_out}, {"consumers", s.consumers},           {"clients", s.clients},
            {"refused", s.refused}};
}

// Columns as wide as their widest cell.
void print_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
        fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
    }
}

void print_blocks(const std::vector<persistent_block>& blocks, bool as_json) {
    if (as_json) {
        auto all = json::array();
        for (const auto& b : blocks) all.push_back(to_json(b));
        return fmt::print("{}\n", all.dump(2));
    }
    std::vector<std::vector<std::string>> rows{
        {"PROTOCOL", "PORTS", "COUNT", "OUT", "CONSUMERS", "STATE", "TOKEN", "CREATED"}};
    for (const auto& b : blocks) {
        rows.push_back({name_of(b.protocol), fmt::format("{}-{}", b.block.first, b.block.first + b.block.count - 1),
                        std::to_string(b.block.count), std::to_string(b.ports_out), std::to_string(b.consumers),
                        state_of(b), in_hex(b.token), time_of(b)});
    }
    print_table(rows);
    for (const auto& b : blocks) {
        if (!b.is_held) fmt::print("{} {}: {}\n", name_of(b.protocol), b.block.first, b.why_not_held);
    }
}

void print_status(const service_status& s, bool as_json) {
    if (as_json) return fmt::print("{}\n", to_json(s).dump(2));
    fmt::print("berthd       process {}, up {} s\nkeeper       {}\n", s.process, s.uptime.count(), s.keeper);
    fmt::print("blocks       {}, {} held, {} ports\n", s.blocks, s.blocks_held, s.ports);
    fmt::print("consumers    {}, with {} ports\n", s.consumers, s.ports_out);
    fmt::print("connections  {}, refused so far {}\n", s.clients, s.refused);
}

void print_token(reservation_token token, bool as_json) {
    if (as_json) return fmt::print("{}\n", json{{"token", in_hex(token)}}.dump(2));
    fmt::print("{}\n", in_hex(token));
}

int exit_code_of(const failure& f) {
    if (f.code == errc::permission_denied) return 3;
    if (f.code == errc::service_unavailable) return 4;
    if (f.code == errc::invalid_argument) return 2;
    const bool is_blocks =
        f.code == errc::block_unavailable || f.code == errc::no_such_reservation || f.code == errc::reservation_busy;
    return is_blocks ? 1 : 5;
}

int report(const failure& f, bool as_json) {
    if (!f) return 0;
    if (as_json) {
        const json error{{"error", f.code.message()}, {"what", f.what}, {"port", f.port}, {"count", f.count}};
        fmt::print(stderr, "{}\n", error.dump(2));
    } else {
        fmt::print(stderr, "berthctl: {}\n", f.what.empty() ? f.code.message() : f.what);
    }
    return exit_code_of(f);
}

void add_block(CLI::App& command, command_line& line) {
    command.add_option("protocol", line.protocol)->required()->check(CLI::IsMember({"tcp", "udp"}));
    command.add_option("first", line.first, "first port")->required()->check(CLI::Range(0, 65535));
    command.add_option("count", line.count, "how many ports")->required()->check(CLI::Range(0, 65536));
}

}  // namespace

int main(int argc, char** argv) {
    command_line line;
    CLI::App app("Persistent reservations of TCP and UDP ports.", "berthctl");
    app.require_subcommand(1);
    app.fallthrough();
    app.add_option("--socket", line.options.socket_path,
                   "berthd's (default: $BERTH_SOCKET, or " + std::string(default_service_socket) + ")");
    app.add_flag("--json", line.as_json, "results and failures as JSON");
    app.set_version_flag("--version", "berthctl " BERTH_VERSION);
    auto* const create = app.add_subcommand("create", "reserve a block for good; prints its token");
    auto* const remove = app.add_subcommand("delete", "give exactly this block back");
    auto* const list = app.add_subcommand("list", "all blocks");
    auto* const lookup = app.add_subcommand("lookup", "the current token of exactly this block");
    auto* const status = app.add_subcommand("status", "how the daemon is");
    auto* const drain = app.add_subcommand("drain", "hand out no more sockets of this block");
    for (auto* command : {create, remove, lookup, drain}) add_block(*command, line);
    create->add_option("--use", line.use, "what TCP ports are for")
        ->check(CLI::IsMember({"listen", "connect"}))
        ->capture_default_str();
    status->add_flag("--prometheus", line.as_metrics, "as metrics in Prometheus' text format");
    drain->add_flag("--undo", line.undo, "hand them out again");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }

    failure f;
    line.options.use = line.use == "listen" ? tcp_use::listen : tcp_use::connect;
    const auto block = line.block();
    const auto protocol = line.asked_protocol();
    if (create->parsed()) {
        const auto token = create_persistent(block, protocol, f, line.options);
        if (!f) print_token(token, line.as_json);
    } else if (lookup->parsed()) {
        const auto token = lookup_persistent(block, protocol, f, line.options);
        if (!f) print_token(token, line.as_json);
    } else if (remove->parsed()) {
        remove_persistent(block, protocol, f, line.options);
    } else if (list->parsed()) {
        const auto blocks = list_persistent(f, line.options);
        if (!f) print_blocks(blocks, line.as_json);
    } else if (status->parsed()) {
        const auto now = persistent_status(f, line.options);
        if (!f && line.as_metrics) {
            const auto blocks = list_persistent(f, line.options);
            if (!f) fmt::print("{}", tools::metrics_text(now, blocks));
        }
        if (!f && !line.as_metrics) print_status(now, line.as_json);
    } else {
        const auto now = drain_persistent(block, protocol, !line.undo, f, line.options);
        if (!f) print_blocks({now}, line.as_json);
    }
    return report(f, line.as_json);
}
