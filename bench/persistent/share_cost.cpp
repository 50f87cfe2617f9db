// share_cost: what a consumer of a persistent block pays for its ports, and what the daemon pays for holding them.
//
// A berthd of its own in a temporary place, one block of UDP ports. In turns within one run: fetching 64 sockets into
// a share that has none, against 64 times socket + bind(0); taking and giving back a fetched port, against a port of
// a reservation of the process's own. Then the daemon's memory before and after the block was created.
#include "measure/interleave.hpp"
#include "measure/ratio.hpp"

#include <berth/persistent_share.hpp>

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace {

using namespace berth;
using namespace berth::bench;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::uint32_t at_once = 64;

class own_daemon {
public:
    own_daemon() {
        std::string name = (fs::temp_directory_path() / "berth-share-cost-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::generic_category(), name);
        directory_ = name;
        process_ = run({});
        failure f;
        for (int i = 0; i < 2000; ++i) {
            if (persistent_status(f, at()); !f) return;
            std::this_thread::sleep_for(5ms);
        }
        throw reservation_error(f);
    }
    own_daemon(const own_daemon&) = delete;
    own_daemon& operator=(const own_daemon&) = delete;
    ~own_daemon() {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
        ::waitpid(run({"--end-keeper"}), nullptr, 0);
        std::error_code ignored;
        fs::remove_all(directory_, ignored);
    }
    [[nodiscard]] std::string socket() const { return (directory_ / "berthd.sock").string(); }
    [[nodiscard]] persistent_options at() const { return {.use = tcp_use::listen, .socket_path = socket()}; }
    /// Bytes of its own that are in memory.
    [[nodiscard]] double memory() const {
        std::ifstream in("/proc/" + std::to_string(process_) + "/status");
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("RssAnon:")) return std::strtod(line.c_str() + 8, nullptr) * 1024;
        }
        return 0;
    }

private:
    [[nodiscard]] pid_t run(std::vector<std::string> more) const {
        std::vector<std::string> words{
            BERTH_DAEMON_PROGRAM, "--socket", socket(), "--state", (directory_ / "state").string(), "--rest", "0",
            "--log-level",        "error"};
        words.insert(words.end(), more.begin(), more.end());
        std::vector<char*> arguments;
        for (auto& w : words) arguments.push_back(w.data());
        arguments.push_back(nullptr);
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child == 0) {
            if (!more.empty()) ::close(1);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        return child;
    }
    fs::path directory_;
    pid_t process_ = 0;
};

double bind_anew() {
    std::array<int, at_once> fds{};
    const double each = batch(at_once, [&](std::uint32_t i) {
        fds[i] = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        ::bind(fds[i], reinterpret_cast<sockaddr*>(&any), sizeof any);
    });
    for (const int fd : fds) ::close(fd);
    return each * at_once;
}

double take_and_give_back(port_reservation& ports) {
    error_code ec;
    return batch(256, [&](std::uint32_t) { ports.take(ec).give_back(ec); });
}

void print(const char* what, const std::vector<double>& ours, const char* whose, const std::vector<double>& theirs) {
    const auto ratio = ratio_of_quartiles(ours, theirs);
    std::printf("%-34s %9.1f us   %-34s %9.1f us   %.2fx (%.2f to %.2f, %zu rounds)\n", what,
                lower_quartile(ours) / 1000, whose, lower_quartile(theirs) / 1000, ratio.value, ratio.low, ratio.high,
                ratio.rounds);
}

port_block free_block(std::uint32_t ports) {
    reservation_request request;
    request.block = {0, ports};
    return port_reservation::reserve(request).block();
}

void run(std::uint32_t ports, std::size_t rounds) {
    const own_daemon daemon;
    const double before = daemon.memory();
    const auto token = create_persistent(free_block(ports), transport::udp, daemon.at());
    const double each = (daemon.memory() - before) / ports;
    share_options options;
    options.fetch = at_once;
    options.socket_path = daemon.socket();

    const auto fetch = [&] {
        auto share = open_persistent(token, options);
        error_code ec;
        const nanoseconds began = now();
        auto first = share.take(ec);
        const auto taken = static_cast<double>(now() - began);
        if (ec || share.available() != at_once - 1) throw std::system_error(ec, "a fetch of 64 sockets");
        return taken;
    };
    auto share = open_persistent(token, options);
    { const auto first = share.take(); }
    reservation_request request;
    request.block = {0, at_once};
    request.park = parking::system_calls;
    auto own = port_reservation::reserve(request);
    const auto figures = interleave(rounds, {fetch, bind_anew, [&] { return take_and_give_back(share); },
                                             [&] { return take_and_give_back(own); }});
    print("fetch of 64 sockets", figures[0], "64 x (socket + bind(0))", figures[1]);
    print("take + give back, fetched", figures[2], "of a reservation of one's own", figures[3]);
    std::printf("berthd's memory for a port it holds: %.0f bytes (a block of %u UDP ports)\n", each, ports);
}

}  // namespace

int main(int argc, char** argv) {
    const bool smoke = argc > 1 && std::strcmp(argv[1], "--smoke") == 0;
    if (argc > 1 && !smoke) {
        std::fprintf(stderr, "usage: share_cost [--smoke]\n");
        return 2;
    }
    try {
        run(smoke ? 1024 : 4096, smoke ? 10 : 400);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "share_cost: %s\n", problem.what());
        return 1;
    }
    return 0;
}
