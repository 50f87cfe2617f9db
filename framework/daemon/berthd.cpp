// berthd: keeps the persistent blocks of this machine. Always in the foreground; a service manager does the rest.
//
// The order of a start: the only daemon here (lock), the store, the keeper, the blocks, and only then the socket: who
// can connect finds everything held. The exit is 0 after a stop that was asked for, 1 if it could not run, 2 if the
// command line makes no sense. Ports stay reserved when it ends: the keeper has them.
#include "block_service.hpp"
#include "log_line.hpp"
#include "platform/files.hpp"
#include "platform/keeper_link.hpp"
#include "platform/message_server.hpp"
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
using detail::service_number;
using namespace std::chrono_literals;
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

class running_daemon {
public:
    running_daemon(settings& s, gid_t group, block_store& store, descriptor_store& keeper)
        : settings_(s),
          service_(platform::system_provider(), store, keeper, list_, {.ports = s.most_ports},
                   std::chrono::milliseconds{s.rest}),
          keeper_(keeper),
          server_(s.socket, group) {}

    int run(const boot_id& boot) {
        failure f;
        service_.start(boot, f);
        if (f) return give_up(f.what);
        if (const int error = settings_.door ? server_.listen(std::move(settings_.door)) : server_.listen();
            error != 0) {
            return give_up("the socket " + settings_.socket + " cannot be used: " + reason(error));
        }
        const stop_signals signals;
        bool stops = false;
        server_.watch(signals.handle(), [&] { stops = true; });
        watch_keeper();
        service_.desk().serve_with(server_);
        log_line(log_level::info, "ready").with("socket", settings_.socket).with("keeper", keeper_.describe());
        notify_service_manager("READY=1\nSTATUS=ready");
        const auto answer = [&](const auto& request, platform::descriptor& c) { return this->answer(request, c); };
        auto looked = std::chrono::steady_clock::now();
        while (!stops && !service_.must_end()) {
            const bool more = service_.work();
            const auto usual = service_.has_more_to_do() ? 1000ms : 3600'000ms;
            server_.turn(
                more ? 0ms : std::min<std::chrono::milliseconds>(service_.desk().due().value_or(usual), usual),
                answer);
            if (service_.has_more_to_do() && std::chrono::steady_clock::now() - looked >= 1s) {
                look_after();
                looked = std::chrono::steady_clock::now();
            }
        }
        if (!stops) return give_up("the store failed in a write; what it holds is settled at the next start");
        notify_service_manager("STOPPING=1");
        log_line(log_level::info, "stopped").with("answered", server_.counts().answered);
        return 0;
    }

private:
    void watch_keeper() {
        watched_keeper_ = keeper_.handle();
        if (watched_keeper_ >= 0) server_.watch(watched_keeper_, [this] { renew_keeper(); });
    }
    // Its descriptor may be another one afterwards.
    template <class Work>
    void with_keeper_unwatched(Work work) {
        server_.unwatch(watched_keeper_);
        work();
        watch_keeper();
    }
    void renew_keeper() {
        with_keeper_unwatched([&] { service_.renew_keeper(); });
    }
    void look_after() {
        with_keeper_unwatched([&] { service_.look_after(); });
    }

    std::optional<detail::service_answer> answer(const detail::service_request& request,
                                                 platform::descriptor& connection) {
        auto out = service_.answer(request, connection);
        if (!connection) return std::nullopt;  // a consumer's now
        if (request.kind != detail::request_kind::status) return out;
        const auto number = [&](service_number which) -> std::uint32_t& {
            return out.numbers[static_cast<std::size_t>(which)];
        };
        const auto& counts = server_.counts();
        number(service_number::clients) = static_cast<std::uint32_t>(server_.clients());
        number(service_number::process) = static_cast<std::uint32_t>(own_process());
        number(service_number::uptime) = static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_).count());
        number(service_number::refused) = static_cast<std::uint32_t>(
            counts.denied + counts.malformed + counts.turned_away + counts.too_slow + service_.desk().shut_out());
        return out;
    }

    settings& settings_;
    reserved_ports_sysctl list_;
    block_service service_;
    descriptor_store& keeper_;
    message_server server_;
    int watched_keeper_ = -1;
    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

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
    return running_daemon(s, group, *store, *keeper).run(*boot);
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
