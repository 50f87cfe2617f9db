// main() of every contestant: reads the order, serves, and says why if it cannot. See contestant.hpp.
//
// On ready-fd goes one line, "port 12345" or "failed: why"; whoever waits there sees the end of the file if the
// program dies before.
#include "baseline/raw/sockets.hpp"
#include "loopback/contract/contestant.hpp"

#include <sys/resource.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

namespace berth::bench {
namespace {

void say(const server_order& order, const std::string& line) {
    if (::write(order.ready_fd, line.data(), line.size()) < 0) return;
    ::close(order.ready_fd);
}

void raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
    return std::from_chars(text.data(), text.data() + text.size(), out).ec == std::errc{};
}

bool read_order(int argc, char** argv, server_order& order) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
        if (name == "--offload") {
            order.offload = true;
            continue;
        }
        if (name == "--spin") {
            order.spin = true;
            continue;
        }
        bool known = !value.empty();
        if (name == "--scenario")
            order.scenario = value;
        else if (name == "--size")
            known = known && read_number(value, order.size);
        else if (name == "--ready-fd")
            known = known && read_number(value, order.ready_fd);
        else
            known = false;
        if (!known) return false;
        ++i;
    }
    return !order.scenario.empty() && order.ready_fd >= 0;
}

}  // namespace

void announce(const server_order& order, int fd) { say(order, "port " + std::to_string(raw::port_of(fd)) + '\n'); }

}  // namespace berth::bench

int main(int argc, char** argv) {
    using namespace berth::bench;
    server_order order;
    if (!read_order(argc, argv, order)) {
        std::fprintf(stderr,
                     "%s: a server that `loopback` starts. --scenario tcp_echo|tcp_echo_large|accept|udp_echo "
                     "--size BYTES --ready-fd FD [--offload] [--spin]\n",
                     argv[0]);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    try {
        if (order.scenario == "udp_echo")
            serve_udp(order);
        else
            serve_tcp(order);
    } catch (const std::exception& problem) {
        say(order, std::string("failed: ") + problem.what() + '\n');
        std::fprintf(stderr, "%s: %s\n", argv[0], problem.what());
    }
    return 1;
}
