// The claim in a block that is 99.9 % taken, against TCP bind(0) in a range that is 99.9 % bound.
#include "baseline/raw/sockets.hpp"
#include "bind_latency/targets/subjects.hpp"
#include "claim/claim_set.hpp"

namespace berth::bench {
namespace {

constexpr double crowded = 99.9;

double kernel_bind() noexcept {
    const int fd = raw::open_socket(SOCK_STREAM);
    const nanoseconds before = now();
    raw::bind_to(fd, 0);
    const auto took = static_cast<double>(now() - before - read_cost());
    ::close(fd);
    return took;
}

}  // namespace

void measure_crowded(target_context& c) {
    const surroundings& where = c.so_far.where;
    for (const fill_style style : {fill_style::by_kernel, fill_style::at_random}) {
        const bool by_kernel = style == fill_style::by_kernel;
        const std::string what =
            by_kernel ? "the claim, 99.9 % full, filled by the kernel" : "the claim, 99.9 % full, filled at random";
        const double limit = by_kernel ? 10'000 : 1'000;
        if (where.highest_occupancy < crowded) {
            c.out.push_back({what, fmt::format("at least {} faster than TCP bind(0)", fmt_times(limit)),
                             "needs a network namespace of its own", std::nullopt});
            continue;
        }
        c.crowd.clear();
        c.crowd.fill_to(protocol::tcp, style, occupied_of(where.range.count, crowded));
        constexpr std::uint32_t ports = 4096;
        claim::claim_set block(20000, ports, draw_order::random);
        for (std::uint32_t i = 0; i < ports; ++i) block.put_back(i);
        for (std::uint32_t i = occupied_of(ports, crowded); i > 0; --i) block.claim();
        const auto figures =
            interleave(c.rounds() * 4, {[&] {
                                            // Claim and return: only four ports are free at a time.
                                            return batch(256, [&](std::uint32_t) { block.put_back(block.claim()); });
                                        },
                                        [] { return kernel_bind(); }});
        c.out.push_back(at_least(what + " (claim + return)", limit, median(figures[0]), "TCP bind(0), the call alone",
                                 median(figures[1])));
    }
    c.crowd.clear();
}

}  // namespace berth::bench
