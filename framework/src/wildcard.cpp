// The choice of a wildcard block; see wildcard.hpp.
#include "wildcard.hpp"

namespace berth::detail {
namespace {

template <class Bad>
std::optional<std::uint16_t> pick(std::uint32_t count, std::uint64_t random, Bad bad) noexcept {
    std::uint32_t starts = 0, run = 0;
    const auto walk = [&](auto visit) {
        run = 0;
        for (std::uint32_t port = 1; port < 65536; ++port) {
            run = bad(port) ? 0 : run + 1;
            if (run >= count && visit(port - count + 1)) return;
        }
    };
    walk([&](std::uint32_t) { return ++starts, false; });
    if (starts == 0) return std::nullopt;
    std::uint64_t chosen = random % starts;
    std::uint16_t first = 0;
    walk([&](std::uint32_t start) {
        first = static_cast<std::uint16_t>(start);
        return chosen-- == 0;
    });
    return first;
}

}  // namespace

std::optional<std::uint16_t> choose_run(const platform::port_map& map, std::uint32_t count, bool avoid,
                                        std::uint64_t random) noexcept {
    if (count == 0 || count > 65535) return std::nullopt;
    if (avoid) {
        const auto best = pick(count, random, [&](std::uint32_t p) { return map.used[p] || map.avoid[p]; });
        if (best) return best;
    }
    // Below 1024 only with luck or privilege: the very last resort.
    const auto high = pick(count, random, [&](std::uint32_t p) { return map.used[p] || p < 1024; });
    return high ? high : pick(count, random, [&](std::uint32_t p) { return map.used[p]; });
}

}  // namespace berth::detail
