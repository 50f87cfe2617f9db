// The library and its specification side by side: one verb is done to both, then their books are compared.
//
// Invariant: after every verb the library's counts sum up to the block and equal the model's, each port is held and
// audible exactly when the model says so, no handle owns a port twice, and the simulated kernel has no complaint.
#pragma once

#include "lane_model.hpp"
#include "support/simulated_provider.hpp"

#include "reservation_core.hpp"

#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace berth::test {

enum class verb : char {
    take,
    take_all_fail,
    take_port,
    take_port_fails,
    take_pair,
    take_pair_odd_fails,
    give_back,
    give_back_lent,
    give_back_condemned,
    duplicate,
    close_duplicate,
    lose,
    bind_callers,
    bind_callers_refused,
    caller_closes,
    caller_gives_back,
    caller_gives_back_dup,
    event_queue,
    time_passes,
    packet,
    reclaim,
    reclaim_renew_fails,
    reclaim_condemns,
    release_refuse,
    release_detach
};
inline constexpr int verbs = static_cast<int>(verb::release_detach) + 1;
const char* name_of(verb v);

struct move {
    verb what;
    std::uint32_t port = 0;
};

struct walked_block {
    std::uint16_t first = 20000;
    std::uint32_t count = 1;
    bool rests = false;
};

class lane_walk {
public:
    explicit lane_walk(const walked_block& block);
    ~lane_walk();

    [[nodiscard]] bool allowed(move m) const;
    /// Does it to both. Empty, or what differs.
    std::string go(move m);
    [[nodiscard]] std::string key() const { return model_.key(); }
    [[nodiscard]] static bool is_per_port(verb v);
    /// A verb whose choice of a port is the library's: checked, but not walked on from.
    [[nodiscard]] static bool is_last(verb v);

private:
    struct lent_out {
        std::optional<bound_port> handle;
        native_socket duplicate = -1;
        native_socket callers = -1;
    };

    /// Each does one verb to both and, where there is an answer, compares it with the model's.
    std::string apply(move m);
    std::string take();
    std::string take_all_fail();
    std::string take_port(std::uint32_t i);
    std::string take_port_fails(std::uint32_t i);
    std::string take_pair();
    std::string take_pair_odd_fails();
    std::string bind_callers(std::uint32_t i, bool refused);
    std::string duplicate(std::uint32_t i);
    void close_duplicate(std::uint32_t i);
    void caller_closes(std::uint32_t i);
    void caller_gives_back(std::uint32_t i, bool copied);
    void give_back(std::uint32_t i, bool condemns);
    void lose(std::uint32_t i);
    std::string release(if_taken policy);

    std::string draw(const model_draw& expected, bound_port port, error_code ec);
    std::string draw_pair(const model_draw& expected, std::array<bound_port, 2> pair, error_code ec);
    std::string expect(error_code got, errc wanted) const;
    [[nodiscard]] std::string differs() const;
    void close(native_socket& socket);
    simulated_port& sim(std::uint32_t i) { return kernel_.port(false, number(i)); }
    [[nodiscard]] std::uint16_t number(std::uint32_t i) const { return static_cast<std::uint16_t>(block_.first + i); }
    /// The switch is on for one port, or for all, as long as `body` runs.
    template <class Body>
    void with_switch(std::atomic<bool> simulated_port::*which, Body body, std::uint32_t only = ~0u) {
        for (std::uint32_t i = 0; i < block_.count; ++i) (sim(i).*which) = only == ~0u || only == i;
        body();
        for (std::uint32_t i = 0; i < block_.count; ++i) (sim(i).*which) = false;
    }

    walked_block block_;
    mutable simulated_provider kernel_;
    std::shared_ptr<detail::reservation_core> core_;
    std::weak_ptr<detail::reservation_core> watched_;
    detail::port_lane* lane_ = nullptr;
    lane_model model_;
    std::vector<lent_out> out_;
};

}  // namespace berth::test
