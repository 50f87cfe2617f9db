// The claim alone: against the least that any lock-free draw must do, and against the kernel's empty-machine bind(0).
#include "baseline/raw/sockets.hpp"
#include "bind_latency/targets/subjects.hpp"
#include "claim/claim_set.hpp"
#include "measure/slice.hpp"
#include "platform/linux/park_filter.hpp"

#include <atomic>

namespace berth::bench {
namespace {

constexpr std::uint32_t in_a_batch = 64;

struct claims {
    claim::claim_set ports{20000, 1024, draw_order::random};
    std::uint32_t mine[in_a_batch] = {};
    claims() {
        for (std::uint32_t i = 0; i < 1024; ++i) ports.put_back(i);
    }
    double once() noexcept {
        const double each = batch(in_a_batch, [&](std::uint32_t i) { mine[i] = ports.claim(); });
        for (const std::uint32_t index : mine) ports.put_back(index);
        return each;
    }
};

double exchange_and_store() noexcept {
    static std::atomic<std::uint64_t> word{0};
    static std::atomic<std::uint64_t> note{0};
    return batch(in_a_batch, [](std::uint32_t i) {
        std::uint64_t seen = word.load(std::memory_order_relaxed);
        word.compare_exchange_strong(seen, seen + 1, std::memory_order_acq_rel);
        note.store(i, std::memory_order_release);
    });
}

double kernel_bind(int type) noexcept {
    int fds[in_a_batch];
    const double each = batch(in_a_batch, [&](std::uint32_t i) {
        fds[i] = raw::open_socket(type);
        raw::bind_to(fds[i], 0);
    });
    for (const int fd : fds) ::close(fd);
    return each;
}

/// The median of many batches is one round's figure.
double many(const std::function<double()>& once, int times) {
    std::vector<double> figures;
    for (int i = 0; i < times; ++i) figures.push_back(once());
    return median(std::move(figures));
}

}  // namespace

void measure_claim(target_context& c) {
    claims mine;
    const auto figures = interleave(c.rounds(), {[&] { return many([&] { return mine.once(); }, 40); },
                                                 [] { return many(exchange_and_store, 40); },
                                                 [] { return many([] { return kernel_bind(SOCK_DGRAM); }, 3); },
                                                 [] { return many([] { return kernel_bind(SOCK_STREAM); }, 3); }});
    const double claim = median(figures[0]);
    c.out.push_back(at_most("the claim alone", 3, claim, "one compare-exchange + store", median(figures[1])));
    c.out.push_back(at_least("the claim alone, UDP", 100, claim, "socket + bind(0), empty", median(figures[2])));
    c.out.push_back(at_least("the claim alone, TCP", 100, claim, "socket + bind(0), empty", median(figures[3])));

    recorder singles(1u << 17);
    std::uint32_t index = 0;
    run_slice(
        {static_cast<nanoseconds>(c.rounds()) * 1'000'000, 1}, singles,
        [&] { return (index = mine.ports.claim()) != claim::none; }, [&] { mine.ports.put_back(index); });
    std::vector<std::uint32_t> samples;
    singles.pour_into(samples);
    const distribution d = summarize(std::move(samples));
    c.out.push_back({"the claim alone, its tail", "p99.9 at most 1 us", "p99.9 " + fmt_time(d.p999), d.p999 <= 1000});

    int error = 0;
    const auto filter = platform::park_filter::load(platform::linux_calls(), 20000, 64, error);
    if (!filter) {
        c.out.push_back({"park + open with CAP_BPF", "at most 30 ns", "needs CAP_BPF", std::nullopt});
        return;
    }
    const double pair = many(
        [&] {
            return batch(in_a_batch, [&](std::uint32_t i) {
                filter->park(i, 1);
                std::atomic_thread_fence(std::memory_order_seq_cst);  // each store seen by others before the next
                filter->open(i);
            });
        },
        200);
    c.out.push_back({"park + open with CAP_BPF", "at most 30 ns", fmt::format("{:.1f} ns", pair), pair <= 30});
}

}  // namespace berth::bench
