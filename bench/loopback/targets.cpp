// See targets.hpp. One line a target.
#include "loopback/targets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::bench {
namespace {

struct target {
    std::string_view scenario;
    headline figure;
    std::string_view contestant;
    double limit;
    std::string_view against;  // empty: the best that sleeps of those not berth's; a limit of bytes for memory
};

using enum headline;
constexpr target targets[] = {
    {"tcp_64_50", processor_time, "berth", 1.03, "raw_uring"},
    {"tcp_64_1000", processor_time, "berth", 1.05, "raw_uring"},
    {"tcp_64_50", processor_time, "berth_callbacks", 0.95, "asio_epoll"},
    {"tcp_64_1000", processor_time, "berth_callbacks", 0.95, "asio_epoll"},
    {"tcp_64_50", processor_time, "berth_coroutines", 1.05, "berth_callbacks"},
    {"tcp_64_1000", processor_time, "berth_coroutines", 1.05, "berth_callbacks"},
    {"tcp_16k_50", processor_time, "berth", 1.05, "raw_epoll"},
    {"accept", processor_time, "berth", 1.05, "raw_uring"},
    {"accept", processor_time, "berth", 0.9, "asio_epoll"},
    {"udp_64_50", processor_time, "berth_plain", 1.03, "raw_uring"},
    {"udp_64_50", processor_time, "berth", 0.75, "raw_uring"},
    {"udp_64_50_bursts", processor_time, "berth", 0.75, "raw_uring"},
    {"latency", median_latency, "berth_spin", 1.0 / 3, ""},
    {"tcp_64_50", tail_latency, "berth", 1.1, ""},
    {"idle", memory, "berth", 256, ""},
};

bool is_peer(const contestant_result& c) {
    return !c.entry->name.starts_with("berth") && !c.entry->name.ends_with("_spin");
}

const scene_result* scene_of(const report& r, const target& t) {
    const auto at = std::find_if(r.scenes.begin(), r.scenes.end(), [&](const scene_result& s) {
        return s.what->name == t.scenario && s.figure == t.figure;
    });
    return at == r.scenes.end() ? nullptr : &*at;
}

const contestant_result* named(const scene_result& scene, std::string_view name) {
    const auto& all = scene.contestants;
    const auto at = std::find_if(all.begin(), all.end(), [&](const contestant_result& c) {
        return c.entry->name == name && c.figure > 0;
    });
    return at == all.end() ? nullptr : &*at;
}

const contestant_result* best_of_the_others(const scene_result& scene) {
    const contestant_result* best = nullptr;
    for (const contestant_result& c : scene.contestants)
        if (is_peer(c) && c.figure > 0 && (best == nullptr || c.figure < best->figure)) best = &c;
    return best;
}

std::string noise_of(const scene_result& scene) {
    const contestant_result* again = named(scene, "raw_uring_again");
    return again == nullptr ? std::string() : fmt::format(", A/A {:.2f}", again->ratio.value);
}

target_result of_memory(const scene_result& scene, const target& t, const contestant_result& c) {
    return {fmt::format("{}: {}", scene.title, c.entry->label), fmt::format("at most {:g} bytes", t.limit),
            fmt::format("{:.0f} bytes", c.figure), c.figure <= t.limit};
}

}  // namespace

std::vector<target_result> targets_of(const report& r) {
    std::vector<target_result> out;
    for (const target& t : targets) {
        const scene_result* const scene = scene_of(r, t);
        const contestant_result* const ours = scene == nullptr ? nullptr : named(*scene, t.contestant);
        if (ours == nullptr) continue;
        if (t.figure == memory) {
            out.push_back(of_memory(*scene, t, *ours));
            continue;
        }
        const contestant_result* const theirs =
            t.against.empty() ? best_of_the_others(*scene) : named(*scene, t.against);
        if (theirs == nullptr) continue;
        const ratio_estimate ratio =
            ratio_of_quartiles(figures_of(t.figure, *ours), figures_of(t.figure, *theirs));
        out.push_back({fmt::format("{}: {}", scene->title, ours->entry->label),
                       fmt::format("at most {:.3g}x {}", t.limit, theirs->entry->label),
                       fmt::format("{:.2f}x (95 %: {:.2f}..{:.2f}){}", ratio.value, ratio.low, ratio.high,
                                   noise_of(*scene)),
                       ratio.low <= t.limit});
    }
    return out;
}

}  // namespace berth::bench
