// Making a reservation, step by step: survey, choose, prepare, hold, seal, and back again where that fails.
//
// reserve() takes the steps one after the other, async_reserve() a few in each turn of a loop: one sequence for both.
// Invariant: between two steps this object owns everything that is held, so it may be destroyed at any time, and all
// or nothing holds. A step works on a bounded number of ports; the look of the closing check that it takes is whole.
#pragma once

#include "reservation_core.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace berth::detail {

/// Why nothing is reserved where the system does not say which network namespace it would be in.
failure no_name_of_namespace(const error_code& why);

class reserve_steps {
public:
    enum class stage : std::uint8_t { check, survey, choose, prepare, hold, seal, undo, adopt, start, over };

    /// `inherited`, `drawn_from`, `waker`: see hold_request. Pre: empty, or the request is for one protocol and a
    /// specific block.
    reserve_steps(platform::port_provider& provider, const reservation_request& request, lane_clock clock,
                  std::vector<platform::held_sockets> inherited = {}, reservation_token drawn_from = {},
                  waker* waker = nullptr);
    ~reserve_steps();
    reserve_steps(const reserve_steps&) = delete;
    reserve_steps& operator=(const reserve_steps&) = delete;

    /// The next step, for `most` ports or fewer. False: it is over. One thread at a time.
    bool advance(std::uint32_t most);
    [[nodiscard]] stage next() const noexcept { return next_; }
    /// With a waker: the next step does nothing before that one was told, or it was cancelled.
    [[nodiscard]] bool is_waiting() const noexcept { return next_ == stage::hold && blocks_.back()->is_waiting(); }

    /// Any thread. Post: what is held is let go of, and the end is operation_aborted, unless all is held and checked.
    void cancel() noexcept { is_cancelled_.store(true, std::memory_order_relaxed); }

    /// Once it is over: the reservation, or nullptr and why there is none.
    std::shared_ptr<reservation_core> take_core() noexcept { return std::move(core_); }
    [[nodiscard]] failure& why() noexcept { return why_; }

private:
    void step(std::uint32_t most);
    void check();
    void survey();
    void choose();
    void prepare();
    void hold(std::uint32_t most);
    void seal(std::uint32_t most);
    void undo(std::uint32_t most);
    void adopt();
    void start(std::uint32_t most);
    void fail(failure f);
    void after_undo();

    platform::port_provider& provider_;
    std::shared_ptr<reservation_core> core_;
    reservation_request request_;  // block specific from `prepare` on
    const bool is_wildcard_;
    const std::vector<platform::port_kind> kinds_;
    std::atomic<bool> is_cancelled_{false};
    stage next_ = stage::check;
    failure why_;
    platform::port_map map_;  // wildcard only
    std::unique_ptr<platform::port_survey> surveying_;
    std::size_t surveyed_ = 0;  // kinds
    int tries_ = 0;
    std::vector<std::unique_ptr<platform::held_block>> blocks_;  // one a kind, in the order of kinds_
    std::vector<platform::held_sockets> inherited_;
    const reservation_token drawn_from_;
    waker* const waker_;
    std::uint32_t left_ = 0;                                     // ports of the last block not yet let go of
    std::uint32_t started_ = 0;                                  // ports, of all lanes together
};

}  // namespace berth::detail
