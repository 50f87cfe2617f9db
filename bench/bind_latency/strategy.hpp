// A way to come by a usable socket. One file in strategies/ each; registry.cpp names them all.
//
// Contract: prepare() (untimed, once per scene, may throw std::runtime_error with the reason why it cannot run here),
// then sit() once per thread; seats run slices, possibly at the same time; all seats are gone before the next
// prepare(). Between slices a seat holds no port of the scene's. What one take covers is said in `timed`, word for
// word, and printed: the comparison is worth nothing without it.
#pragma once

#include "bind_latency/scene.hpp"
#include "measure/slice.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace berth::bench {

class seat {
public:
    virtual ~seat() = default;
    virtual void run(const slice_order& order, recorder& out) = 0;
};

/// Derived has bool take() noexcept (timed) and void give_back() noexcept (not timed).
template <class Derived>
class timed_seat : public seat {
public:
    void run(const slice_order& order, recorder& out) final {
        auto& self = static_cast<Derived&>(*this);
        run_slice(
            order, out, [&self] { return self.take(); }, [&self] { self.give_back(); });
    }
};

class strategy {
public:
    virtual ~strategy() = default;
    virtual void prepare(const scene& s) = 0;
    virtual std::unique_ptr<seat> sit(unsigned thread) = 0;
};

/// Whose way it is, for tables and charts.
enum class approach : std::uint8_t { kernel, program, berth };

struct strategy_entry {
    std::string_view name;   // on the command line and in JSON
    std::string_view label;  // for people
    std::string_view timed;  // what one take covers; "listen" is for TCP alone
    approach whose = approach::kernel;
    std::unique_ptr<strategy> (*make)() = nullptr;
};

/// All that are compiled in; the first one is the yardstick of the ratios.
const std::vector<strategy_entry>& all_strategies();
const std::vector<strategy_entry>& outbound_strategies();

template <class Strategy>
std::unique_ptr<strategy> make_strategy() {
    return std::make_unique<Strategy>();
}

}  // namespace berth::bench
