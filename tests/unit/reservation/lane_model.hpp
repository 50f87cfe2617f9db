// What the books must say: the drawing of a port's states, walked by hand beside the library.
//
// Invariant: a port moves only along the arrows of ARCHITECTURE.md; step() throws otherwise. One verb may be several
// arrows (a take is available → taken → open). The model knows nothing of queues, tags or threads: it is the
// specification that port_lane is compared with.
#pragma once

#include <berth/error.hpp>
#include <berth/statistics.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace berth::test {

enum class place : char {
    unreserved = 'u',
    available = 'a',
    taken = 't',
    open = 'o',
    draining = 'd',
    cooling = 'c',
    condemned = 'x',
    detached = 'D'
};

struct model_port {
    place at = place::unreserved;
    bool with_caller = false;  // open: a caller's own socket stands in for it
    bool exposed = false;      // open: it was duplicated
    bool named = false;        // a descriptor besides the block's names the session socket
    bool queue = false;        // an event queue does
    bool due = false;          // cooling: its time is up
    bool noisy = false;        // cooling: packets came
};

/// What a draw may answer.
struct model_draw {
    errc code{};  // 0: one of `choices`
    std::vector<std::uint32_t> choices;
};

class lane_model {
public:
    lane_model(std::uint32_t count, std::uint16_t first, bool rests);

    std::vector<model_port> ports;
    bool released = false;
    std::uint64_t takes = 0, condemned = 0;

    /// Moves one port along one arrow.
    void step(std::uint32_t i, place to);

    /// Which ports a draw may give, after the look that it takes first. Nothing is drawn yet.
    model_draw draw(bool may_look = true);
    model_draw draw_given(std::uint32_t i);
    model_draw draw_pair(bool may_look = true);
    void drawn(std::uint32_t i);  // the draw gave this one and it opened
    void fails_open(std::uint32_t i);

    void give_back(std::uint32_t i, bool condemns);
    void lose(std::uint32_t i);
    void reclaim(bool renew_works, bool park_condemns = false);
    void caller_closed(std::uint32_t i);
    void release();
    void time_passes();

    [[nodiscard]] std::uint32_t out() const;
    [[nodiscard]] port_counts counts() const;
    [[nodiscard]] std::uint64_t gives_back() const;
    [[nodiscard]] bool audible(std::uint32_t i) const;
    [[nodiscard]] std::string key() const;

private:
    [[nodiscard]] std::vector<std::uint32_t> available() const;
    void wake();
    void look_for_closed(bool park_condemns);
    void settle(std::uint32_t i, bool condemns);
    void rest(std::uint32_t i);

    std::uint16_t first_;
    bool rests_;
};

}  // namespace berth::test
