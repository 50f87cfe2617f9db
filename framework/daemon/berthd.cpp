// berthd: keeps the persistent blocks of this machine. Always in the foreground; a service manager does the rest.
//
// The order of a start: the only daemon here (lock), the store, the keeper, the blocks, and only then the socket: who
// can connect finds everything held. The exit is 0 after a stop that was asked for, 1 if it could not run, 2 if the
// command line makes no sense. Ports stay reserved when it ends: the keeper has them.
#include "daemon_loop.hpp"
#include "log_line.hpp"
#include "platform/files.hpp"
#include "platform/keeper_link.hpp"
#include "platform/passed_descriptors.hpp"
#include "platform/process.hpp"
#include "platform/reserved_ports_sysctl.hpp"
#include "platform/systemd_store.hpp"

#include <berth/persistent.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>

namespace {

using namespace berth;
using namespace berth::daemon;
namespace fs = std::filesystem;

struct settings {
    std::string socket = default_service_socket;
    std::string state = "/var/lib/berth";
    std::string group;
    std::string keeper;
    std::string keep_with = "process";
    std::string log = "info";
    std::uint32_t most_ports = 65536;
    std::uint32_t rest = 1000;  // milliseconds
    bool check = false;
    bool end_keeper = false;
    platform::descriptor door{};  // passed by the service manager: in the place of `socket`
    [[nodiscard]] std::string store_path() const { return state + "/blocks.db"; }
    [[nodiscard]] std::string lock_path() const { return state + "/berthd.lock"; }
    [[nodiscard]] keeper_place keeper_at() const { return {state + "/keeper.sock", keeper}; }
};

int give_up(const std::string& why) {
    log_line(log_level::error, "cannot_run").with("why", why);
    notify_service_manager("STATUS=" + why);
    return 1;
}

std::string reason(int error) { return std::generic_category().message(error); }

/// Empty: there is nothing to complain about.
std::string check_settings(settings& s, gid_t& group) {
    group = static_cast<gid_t>(-1);
    if (!s.group.empty()) {
        const auto found = find_group(s.group);
        if (!found) return "there is no group " + s.group + " (--group)";
        group = *found;
    }
    if (s.keeper.empty()) s.keeper = own_directory() + "/berth_keeper";
    if (!may_execute(s.keeper)) return "the keeper " + s.keeper + " is no program that may be run (--keeper)";
    for (const auto& directory : {s.state, fs::path(s.socket).parent_path().string()}) {
        std::error_code ec;
        if (fs::is_directory(directory, ec) || (s.door && directory != s.state)) continue;
        const int error = directory == s.state ? make_private_directory(directory) : ENOENT;
        if (error != 0) return "the directory " + directory + ": " + reason(error) + " (--state, --socket)";
    }
    if (is_open_to_others(s.state)) return "others may enter " + s.state + ", where the tokens are; chmod 700 it";
    return {};
}

std::string take_lock(process_lock& lock, const settings& s) {
    int holder = 0;
    const int error = lock.take(s.lock_path(), holder);
    if (error == EAGAIN) {
        return "process " + std::to_string(holder) + " is the berthd of " + s.state + " already (lock " +
               s.lock_path() + "), and answers at its socket";
    }
    if (error != 0) return "the lock " + s.lock_path() + ": " + reason(error);
    if (s.door) return {};  // the service manager holds it
    if (const int other = who_answers_at(s.socket); other != 0) {
        return "process " + std::to_string(other) + " holds the socket " + s.socket +
               " already (--socket names another)";
    }
    return {};
}

/// Takes the socket to answer at out of what was passed, if it is there. Empty: there is nothing to complain about.
std::string find_door(std::vector<passed_descriptor>& passed, settings& s) {
    for (auto& p : passed) {
        std::string path;
        if (key_of(p.name)) {
            if (s.keep_with == "systemd") continue;
            return "the service manager keeps sockets of blocks (" + p.name +
                   "): start with --keep-with systemd, or empty its store";
        }
        if (!is_door(p.fd.get(), path)) {
            return "the service manager passed '" + p.name +
                   "', which is no Unix socket that listens for packets in sequence (ListenSequentialPacket=)";
        }
        if (s.door) return "the service manager passed two sockets to answer at; '" + p.name + "' is one too many";
        s.door = std::move(p.fd);
        if (!path.empty()) s.socket = path;
    }
    std::erase_if(passed, [](const passed_descriptor& p) { return !p.fd; });
    return {};
}

int serve(settings& s, gid_t group, const boot_id& boot, block_store& store, descriptor_store& keeper) {
    reserved_ports_sysctl list;
    block_service service(platform::system_provider(), store, keeper, list, {.ports = s.most_ports},
                          std::chrono::milliseconds{s.rest});
    message_server server(s.socket, group);
    daemon_loop loop(service, keeper, server);
    failure f;
    service.start(boot, f);
    if (f) return give_up(f.what);
    if (const int error = s.door ? server.listen(std::move(s.door)) : server.listen(); error != 0) {
        return give_up("the socket " + s.socket + " cannot be used: " + reason(error));
    }
    const stop_signals signals;
    bool stops = false;
    server.watch(signals.handle(), [&] { stops = true; });
    loop.begin();
    log_line(log_level::info, "ready").with("socket", s.socket).with("keeper", keeper.describe());
    notify_service_manager("READY=1\nSTATUS=ready");
    while (!stops && !service.must_end()) loop.turn();
    if (!stops) return give_up("the store failed in a write; what it holds is settled at the next start");
    notify_service_manager("STOPPING=1");
    log_line(log_level::info, "stopped").with("answered", server.counts().answered);
    return 0;
}

std::unique_ptr<descriptor_store> open_keeper(const settings& s, std::vector<passed_descriptor>& passed, failure& f) {
    if (s.keep_with == "process") return keeper_link::open(s.keeper_at(), f);
    return systemd_store::open(passed, f);
}

int run(settings& s) {
    auto passed = take_passed_descriptors();
    if (auto wrong = find_door(passed, s); !wrong.empty()) return give_up(wrong);
    gid_t group{};
    if (auto wrong = check_settings(s, group); !wrong.empty()) return give_up(wrong);
    process_lock lock;
    if (auto wrong = take_lock(lock, s); !wrong.empty()) return give_up(wrong);
    failure f;
    if (s.end_keeper) {
        const bool ended = keeper_link::end(s.keeper_at().socket_path, f);
        std::cout << (ended ? "the keeper has ended; its ports are free\n" : "there was no keeper\n");
        return f ? give_up(f.what) : 0;
    }
    const auto boot = current_boot();
    if (!boot) return give_up("the system does not name its boot (/proc/sys/kernel/random/boot_id)");
    const auto limit = raise_descriptor_limit();
    const auto store = block_store::open(s.store_path(), f);
    if (!store) return give_up(f.what);
    if (s.check) {
        std::cout << "good: " << store->contents().blocks.size() << " blocks in " << s.store_path()
                  << ", descriptor limit " << limit << '\n';
        return 0;
    }
    const auto keeper = open_keeper(s, passed, f);
    if (!keeper) return give_up(f.what);
    return serve(s, group, *boot, *store, *keeper);
}

}  // namespace

int main(int argc, char** argv) {
    settings s;
    CLI::App app("Keeps persistent reservations of TCP and UDP ports.", "berthd");
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("--socket", s.socket, "where clients ask")->capture_default_str();
    app.add_option("--state", s.state, "directory of the store, the lock and the keeper's socket")
        ->capture_default_str();
    app.add_option("--group", s.group, "whose members may ask, besides root; name or number");
    app.add_option("--keeper", s.keeper,
                   "the program that holds the sockets (default: berth_keeper beside this one)");
    app.add_option("--keep-with", s.keep_with,
                   "who holds the sockets when this is not there: a process of berth's own, "
                   "or the systemd that started this")
        ->check(CLI::IsMember({"process", "systemd"}))
        ->capture_default_str();
    app.add_option("--most-ports", s.most_ports, "ports that one consumer may have of a block")
        ->check(CLI::Range(1, 65536))
        ->capture_default_str();
    app.add_option("--rest", s.rest, "milliseconds that a port rests when its consumer is gone")
        ->check(CLI::Range(0, 3600'000))
        ->capture_default_str();
    app.add_option("--log-level", s.log, "info, warning or error")
        ->check(CLI::IsMember({"info", "warning", "error"}))
        ->capture_default_str();
    app.add_flag("--check", s.check, "look at the configuration and the store, and exit");
    app.add_flag("--end-keeper", s.end_keeper, "end a keeper that is left, free its ports, and exit");
    app.set_version_flag("--version", "berthd " BERTH_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    set_log_level(s.log == "info" ? log_level::info : s.log == "warning" ? log_level::warning : log_level::error);
    take_over_the_librarys_log();
    return run(s);
}
