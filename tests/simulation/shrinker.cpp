// Delta debugging over the list of steps, then over their arguments.
#include "simulation/shrinker.hpp"

#include <algorithm>
#include <utility>

namespace berth::simulation {
namespace {

std::string rule_of(const std::string& broke) { return broke.substr(0, broke.find(':')); }

class shrinking {
public:
    shrinking(const program& found, const trial& run, std::size_t most_runs) : run_(run), left_(most_runs) {
        best_.least = found;
        std::size_t at = 0;
        best_.broke = run_(found, at);
        best_.runs = 1;
        cut_behind(at);
    }

    shrunk go() {
        for (bool smaller = true; smaller && left_ != 0;) {
            smaller = leave_out();
            smaller = simplify() || smaller;
        }
        return std::move(best_);
    }

private:
    bool still_fails(const program& candidate) {
        if (left_ == 0) return false;
        --left_, ++best_.runs;
        std::size_t at = 0;
        auto broke = run_(candidate, at);
        if (broke.empty() || rule_of(broke) != rule_of(best_.broke)) return false;
        best_.least = candidate;
        best_.broke = std::move(broke);
        cut_behind(at);
        return true;
    }

    // What was to come after the failure; a failure at the very end has all of the steps before it.
    void cut_behind(std::size_t at) {
        if (at + 1 < best_.least.steps.size()) best_.least.steps.resize(at + 1);
    }

    bool leave_out() {
        bool any = false;
        for (std::size_t chunk = std::max<std::size_t>(1, best_.least.steps.size() / 2); chunk != 0;) {
            bool here = false;
            for (std::size_t from = 0; from < best_.least.steps.size();) {
                program candidate = best_.least;
                const auto begin = candidate.steps.begin() + static_cast<std::ptrdiff_t>(from);
                const auto rest = candidate.steps.size() - from;
                candidate.steps.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(chunk, rest)));
                if (still_fails(candidate)) {
                    here = any = true;
                } else {
                    from += chunk;
                }
            }
            if (!here || chunk > 1) chunk /= 2;
        }
        return any;
    }

    bool simplify() {
        bool any = false;
        for (std::size_t i = 0; i < best_.least.steps.size(); ++i) {
            for (std::size_t which = 0; which < 4 && i < best_.least.steps.size(); ++which) {
                while (i < best_.least.steps.size() && lower(i, which)) any = true;
            }
        }
        return any;
    }

    static std::uint32_t get(const step& s, std::size_t which) { return which < 3 ? s.with[which] : s.seed; }
    static void put(step& s, std::size_t which, std::uint32_t value) {
        if (which < 3) {
            s.with[which] = static_cast<std::uint16_t>(value);
        } else {
            s.seed = value;
        }
    }
    bool lower(std::size_t i, std::size_t which) {
        const std::uint32_t now = get(best_.least.steps[i], which);
        for (const std::uint32_t smaller : {0u, now % 16, now / 2, now - 1}) {
            if (smaller >= now) continue;
            program candidate = best_.least;
            put(candidate.steps[i], which, smaller);
            if (still_fails(candidate)) return true;
        }
        return false;
    }

    const trial& run_;
    std::size_t left_;
    shrunk best_;
};

}  // namespace

shrunk shrink(const program& found, const trial& run, std::size_t most_runs) {
    return shrinking(found, run, most_runs).go();
}

}  // namespace berth::simulation
