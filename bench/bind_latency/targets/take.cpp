// take until usable, and take + give back: against the same calls made bare, and against the kernel's own way.
//
// All contestants go through as many ports in random order, so that all meet the same cold caches.
#include "baseline/raw/parked_ports.hpp"
#include "baseline/raw/sockets.hpp"
#include "bind_latency/targets/subjects.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

namespace berth::bench {
namespace {

constexpr std::uint32_t in_a_batch = 64;

class taken_ports {
public:
    explicit taken_ports(port_reservation r) : reservation_(std::move(r)) {}
    double until_usable() {
        const double each = batch(in_a_batch, [&](std::uint32_t i) { ports_[i] = reservation_.take(ec_); });
        for (auto& port : ports_) port.give_back(ec_);
        return each;
    }
    double and_back() {
        return batch(in_a_batch, [&](std::uint32_t) { reservation_.take(ec_).give_back(ec_); });
    }

private:
    port_reservation reservation_;
    std::array<bound_port, in_a_batch> ports_;
    error_code ec_;
};

class bare_ports {
public:
    bare_ports(protocol p, std::uint32_t count, parking park) : ports_(free_block(p, count), p, park), order_(count) {
        std::iota(order_.begin(), order_.end(), 0u);
        std::shuffle(order_.begin(), order_.end(), std::mt19937{11});
    }
    double until_usable() {
        const std::uint32_t from = next();
        const double each = batch(in_a_batch, [&](std::uint32_t i) { ports_.open(order_[from + i]); });
        for (std::uint32_t i = 0; i < in_a_batch; ++i) ports_.park(order_[from + i]);
        return each;
    }
    double and_back() {
        const std::uint32_t from = next();
        return batch(in_a_batch, [&](std::uint32_t i) {
            ports_.open(order_[from + i]);
            ports_.park(order_[from + i]);
        });
    }

private:
    std::uint32_t next() {
        at_ = at_ + 2 * in_a_batch <= order_.size() ? at_ + in_a_batch : 0;
        return at_;
    }
    raw::parked_ports ports_;
    std::vector<std::uint32_t> order_;
    std::uint32_t at_ = 0;
};

double kernel_until_usable(protocol p) {
    std::array<int, in_a_batch> fds{};
    const int type = p == protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
    const double each = batch(in_a_batch, [&](std::uint32_t i) {
        fds[i] = raw::open_socket(type);
        raw::bind_to(fds[i], 0);
        if (p == protocol::tcp) ::listen(fds[i], raw::backlog);
    });
    for (const int fd : fds) ::close(fd);
    return each;
}

double kernel_and_back() {
    return batch(in_a_batch, [](std::uint32_t) {
        const int fd = raw::open_socket(SOCK_DGRAM);
        raw::bind_to(fd, 0);
        ::close(fd);
    });
}

void measure_one(target_context& c, protocol p, parking park) {
    const std::string how = park == parking::best ? "with CAP_BPF" : "by system calls";
    const std::string what =
        fmt::format("take until {}, {}", p == protocol::tcp ? "a listener answers" : "UDP can receive", how);
    taken_ports ours(reserve_for(p, c.block_ports(), park));
    bare_ports bare(p, c.block_ports(), park);
    const auto opened =
        interleave(c.rounds() * 4, {[&] { return ours.until_usable(); }, [&] { return bare.until_usable(); },
                                    [&] { return kernel_until_usable(p); }});
    const double take = median(opened[0]);
    c.out.push_back(at_most(what, 1.5, take, "the same opening calls made bare", median(opened[1])));
    c.out.push_back(at_least(what, 3, take,
                             p == protocol::tcp ? "socket + bind(0) + listen, empty" : "socket + bind(0), empty",
                             median(opened[2])));
    if (p == protocol::tcp) return;
    const auto round = interleave(c.rounds() * 4, {[&] { return ours.and_back(); }, [&] { return bare.and_back(); },
                                                   [] { return kernel_and_back(); }});
    const double cycle = median(round[0]);
    const std::string cycle_what = fmt::format("take + give back, drained, UDP, {}", how);
    c.out.push_back(at_most(cycle_what, 1.2, cycle, "the same calls made bare", median(round[1])));
    c.out.push_back(at_least(cycle_what, 1.6, cycle, "socket + bind(0) + close", median(round[2])));
}

}  // namespace

void measure_take(target_context& c) {
    for (const protocol p : {protocol::udp, protocol::tcp}) {
        for (const parking park : {parking::system_calls, parking::best}) {
            const capabilities facts = query_capabilities(park);
            const park_method method = p == protocol::tcp ? facts.park_tcp_listen : facts.park_udp;
            if (park == parking::best && method != park_method::filter_map) {
                c.out.push_back({fmt::format("take, {}, with CAP_BPF", p == protocol::tcp ? "listener" : "UDP"),
                                 "as by system calls", "needs CAP_BPF", std::nullopt});
                continue;
            }
            measure_one(c, p, park);
        }
    }
}

}  // namespace berth::bench
