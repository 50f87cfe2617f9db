// What a port_reservation stands for: its lanes, its token, its end. Shared by the object, the token table and, after
// a detaching release, by the ports that are still out.
//
// Invariant: `phase` goes from held to released once. Draws that overlap a release either own their port before the
// release counts it, or put it back and fail. In a forked child every verb fails with `forked` and touches nothing.
#pragma once

#include "platform/port_provider.hpp"
#include "port_lane.hpp"

#include <berth/port_reservation.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace berth::detail {

/// passing: another process has it all, and whether it stays there is not settled.
enum class phase : std::uint8_t { held, closing, passing, released };

/// What is wrong with it, if anything is.
failure check_request(const reservation_request& request);
/// The kinds of a request's session sockets, a lane each: TCP first.
std::vector<platform::port_kind> kinds_of(const reservation_request& request);

class reservation_core : public std::enable_shared_from_this<reservation_core> {
public:
    /// All or nothing; nullptr and a failure.
    static std::shared_ptr<reservation_core> make(platform::port_provider& provider, const reservation_request& request,
                                                  failure& f, lane_clock clock = steady_nanoseconds,
                                                  std::vector<platform::held_sockets> inherited = {},
                                                  reservation_token drawn_from = {});
    /// A block that another process holds, all of its ports elsewhere: `source` fetches them. nullptr and a failure.
    static std::shared_ptr<reservation_core> make_share(platform::port_provider& provider,
                                                        const reservation_request& request,
                                                        std::shared_ptr<port_source> source, reservation_token token,
                                                        std::uint64_t network, failure& f);
    /// A reservation of blocks that are held and sealed, one a lane; their ports are for come_over() of each lane.
    static std::shared_ptr<reservation_core> make_of(platform::port_provider& provider,
                                                     const reservation_request& request,
                                                     std::vector<std::unique_ptr<platform::held_block>> blocks,
                                                     std::uint64_t network);
    /// What a reservation stands for (nullptr: nothing), and the other way round.
    static std::shared_ptr<reservation_core> of(const port_reservation& r) noexcept { return r.core_; }
    static port_reservation wrap(std::shared_ptr<reservation_core> core) noexcept {
        return port_reservation(std::move(core));
    }
    reservation_core(platform::port_provider& provider, const reservation_request& request, lane_clock clock);
    ~reservation_core();
    reservation_core(const reservation_core&) = delete;
    reservation_core& operator=(const reservation_core&) = delete;

    [[nodiscard]] bool is_forked() const noexcept;
    [[nodiscard]] phase now() const noexcept { return phase_.load(std::memory_order_seq_cst); }
    [[nodiscard]] reservation_token token() const noexcept { return token_; }
    [[nodiscard]] port_block block() const noexcept { return request_.block; }
    [[nodiscard]] const reservation_request& request() const noexcept { return request_; }
    /// Session sockets of a lane.
    [[nodiscard]] std::uint32_t indices() const noexcept { return request_.block.count * request_.sessions_per_port; }
    [[nodiscard]] std::uint64_t network() const noexcept { return network_; }
    [[nodiscard]] platform::port_provider& provider() const noexcept { return provider_; }

    /// nullptr: this process holds the block itself.
    [[nodiscard]] port_source* source() const noexcept { return source_.get(); }
    /// The block outlives this reservation.
    [[nodiscard]] bool is_persistent() const noexcept { return source_ != nullptr || is_drawn_; }
    /// A release let go of a port whose socket a caller has; such a one may go on for as long as the process.
    void a_socket_lives_on() noexcept { sockets_live_on_.store(true, std::memory_order_relaxed); }

    /// The lane for a protocol, or for exactly one kind of socket; nullptr if the block has none.
    [[nodiscard]] port_lane* lane(transport protocol) noexcept;
    [[nodiscard]] port_lane* lane(platform::port_kind kind) noexcept;
    /// The only lane; nullptr if the block has both protocols.
    [[nodiscard]] port_lane* only_lane() noexcept { return lanes_.size() == 1 ? lanes_.front().get() : nullptr; }

    /// Counts a failed draw or bind by its cause, and says it. Returns false, for the caller to return.
    bool fail(errc cause, error_code& ec) noexcept {
        ec = cause;
        failures_[static_cast<std::size_t>(cause)].fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    void count_failure(const error_code& ec) noexcept {
        error_code same;
        if (ec.category() == error_category()) fail(static_cast<errc>(ec.value()), same);
    }

    void release(failure& f, if_taken policy) noexcept;
    /// The same in pieces, refusing while something is out: lets go of `most` ports or fewer. True: call again.
    bool release_some(failure& f, std::uint32_t most) noexcept;
    std::uint32_t reclaim() noexcept;
    [[nodiscard]] std::uint32_t available() const noexcept;
    [[nodiscard]] reservation_statistics statistics() const noexcept;

    // reservation_passing.cpp: to another process, all lanes together. A release in between waits for the outcome.
    /// False: it was released meanwhile. Post: draws fail with reservation_released, and nothing is touched.
    bool freeze(std::vector<std::shared_ptr<platform::handover_board>> boards) noexcept;
    void thaw() noexcept;
    void pass_on() noexcept;
    /// Ports that workers have, also of a reservation that was released; one that may live on unseen counts as one.
    [[nodiscard]] std::uint32_t ports_out() const noexcept;
    [[nodiscard]] const std::vector<std::unique_ptr<port_lane>>& lanes() const noexcept { return lanes_; }

    /// A detached port of this core: one more, one less. The last one out ends the core.
    void detached_port_out() noexcept { detached_.fetch_add(1); }
    [[nodiscard]] std::shared_ptr<reservation_core> detached_port_back() noexcept;

private:
    friend class reserve_steps;
    bool may_release(failure& f) const noexcept;
    bool end_draws(failure& f, if_taken policy) noexcept;
    bool drop(std::uint32_t most) noexcept;

    platform::port_provider& provider_;
    reservation_request request_;  // block specific once held
    const lane_clock clock_;
    std::uint64_t stamp_;
    std::uint64_t network_ = 0;
    reservation_token token_{};
    std::shared_ptr<port_source> source_;  // outlives the lanes
    bool is_drawn_ = false;  // from a block that the system itself keeps
    std::atomic<bool> sockets_live_on_{false};
    std::vector<std::unique_ptr<port_lane>> lanes_;
    std::atomic<phase> phase_{phase::held};
    std::array<std::atomic<std::uint64_t>, errc_count> failures_{};
    std::mutex releasing_;
    bool is_to_end_ = false;  // its owner let go of it while it was passing
    std::uint32_t to_drop_ = 0;  // ports, from the block's first on: released, and not yet let go of
    std::atomic<std::uint32_t> detached_{1};  // one for the core's owner
    std::shared_ptr<reservation_core> self_;  // set while only detached ports keep the core
};

}  // namespace berth::detail
