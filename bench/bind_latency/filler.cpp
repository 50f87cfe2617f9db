// See filler.hpp.
#include "bind_latency/filler.hpp"

#include "bind_latency/filler_child.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>
#include <stdexcept>

namespace berth::bench {

std::string_view name_of(protocol p) noexcept { return p == protocol::tcp ? "tcp" : "udp"; }

std::string_view name_of(fill_style s) noexcept {
    switch (s) {
        case fill_style::none:
            return "empty";
        case fill_style::by_kernel:
            return "kernel";
        case fill_style::at_random:
            return "random";
    }
    return "";
}

filler::filler(port_block range, std::uint64_t descriptors) : range_(range), taken_(65536) {
    const std::uint64_t each = descriptors > 256 ? descriptors - 128 : 128;
    const std::uint64_t processes = std::min<std::uint64_t>((range.count + each - 1) / each, 64);
    for (std::uint64_t i = 0; i < processes; ++i) {
        int ends[2] = {-1, -1};
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error("no channel to a filler process");
        const pid_t pid = fork();
        if (pid < 0) throw std::runtime_error("no filler process: fork failed");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            close(ends[0]);
            for (const child& sibling : children_) close(sibling.channel);
            run_filler_child(ends[1]);
        }
        close(ends[1]);
        children_.push_back({pid, ends[0], static_cast<std::uint32_t>(each)});
    }
}

filler::~filler() {
    for (const child& c : children_) {
        close(c.channel);
        waitpid(c.pid, nullptr, 0);
    }
}

void filler::ask(std::uint8_t verb, protocol p, std::uint16_t listener, const std::vector<std::uint16_t>& ports,
                 std::uint32_t count) {
    std::uint32_t done = 0;
    std::uint32_t before = 0;  // what earlier children have room for
    for (const child& c : children_) {
        // Children are filled one after the other; `bound_` says how far we are.
        const std::uint32_t used = bound_ > before ? std::min(bound_ - before, c.room) : 0;
        before += c.room;
        const std::uint32_t share = std::min(c.room - used, count - done);
        if (share == 0) continue;
        const filler_order order{verb, p, listener, share};
        filler_answer answer;
        bool heard = send_all(c.channel, &order, sizeof order);
        if (verb == bind_listed)
            heard = heard && send_all(c.channel, ports.data() + done, share * sizeof(std::uint16_t));
        heard = heard && receive_all(c.channel, &answer, sizeof answer);
        std::vector<std::uint16_t> got(answer.count);
        heard = heard && receive_all(c.channel, got.data(), got.size() * sizeof(std::uint16_t));
        if (!heard) throw std::runtime_error("a filler process died");
        for (const std::uint16_t port : got) taken_[port] = true;
        bound_ += answer.count;
        done += answer.count;
        if (answer.error != 0)
            throw std::runtime_error(fmt::format("filling stopped at {} of {} ports: {}", bound_, range_.count,
                                                 std::strerror(answer.error)));
        if (done == count) return;
    }
    throw std::runtime_error(fmt::format("filling stopped at {} ports: descriptors ran out", bound_));
}

void filler::fill_to(protocol p, fill_style style, std::uint32_t count) {
    if (count <= bound_) return;
    const std::uint32_t more = count - bound_;
    if (style == fill_style::by_kernel) return ask(bind_any, p, 0, {}, more);
    std::vector<std::uint16_t> ports = free_ports();
    ports.resize(std::min<std::size_t>(ports.size(), more));
    ask(bind_listed, p, 0, ports, static_cast<std::uint32_t>(ports.size()));
}

void filler::connect_to(std::uint16_t listener, std::uint32_t count) {
    if (count > bound_) ask(connect_any, protocol::tcp, listener, {}, count - bound_);
}

void filler::clear() {
    for (const child& c : children_) {
        const filler_order order{let_go, protocol::udp, 0, 0};
        filler_answer answer;
        if (!send_all(c.channel, &order, sizeof order) || !receive_all(c.channel, &answer, sizeof answer))
            throw std::runtime_error("a filler process died");
    }
    taken_.assign(65536, false);
    bound_ = 0;
}

std::vector<std::uint16_t> filler::free_ports() const {
    std::vector<std::uint16_t> ports;
    for (std::uint32_t port = range_.first; port < range_.first + range_.count; ++port)
        if (!taken_[port]) ports.push_back(static_cast<std::uint16_t>(port));
    static std::mt19937 draw{20'240'711};
    std::shuffle(ports.begin(), ports.end(), draw);
    return ports;
}

}  // namespace berth::bench
