// One protocol's ports of a reservation: which port is whose, in which state, and what happens at each arrow.
//
//   available → taken → open → draining → cooling → available     open | draining → condemned → available
//
// An index is a session socket: port's place in the block * sessions_per_port + which of the port's.
// Invariant: an index is in exactly one place: available in the claim set, cooling in its queue, condemned or watched
// in theirs, or with one owner. The state byte is written by whoever owns the index at that moment; the one race, a
// give back against a release that detaches, is settled by compare-exchange from `open`. Deciding is here, performing
// is in platform::held_block. take and give_back are lock-free but for the system calls they make.
#pragma once

#include "claim/claim_set.hpp"
#include "handover/prior_owner.hpp"
#include "platform/port_provider.hpp"
#include "port_marks.hpp"
#include "port_source.hpp"
#include "take_count.hpp"

#include <berth/port_reservation.hpp>
#include <berth/statistics.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace berth::outbound {
class tuple_sets;
struct destination;
}  // namespace berth::outbound

namespace berth::detail {

class reservation_core;

enum class port_state : std::uint8_t {
    unreserved, available, taken, open, draining, cooling, condemned, detached,
    passing,       // open, while it is undecided whether another process has the block
    passed_back,   // given back in that time
    passed_exposed // and a copy of its descriptor may still be somewhere
};

/// Nanoseconds that only grow. Tests put their own in its place, so that ports rest without anybody waiting.
using lane_clock = std::uint64_t (*)() noexcept;
std::uint64_t steady_nanoseconds() noexcept;

class port_lane {
public:
    port_lane(reservation_core& core, const reservation_request& request, platform::port_kind kind,
              std::unique_ptr<platform::held_block> block, lane_clock clock);
    ~port_lane();
    port_lane(const port_lane&) = delete;
    port_lane& operator=(const port_lane&) = delete;

    /// Everything is held and sealed: the ports become available, those from index `from` to before `upto`.
    void start(std::uint32_t from, std::uint32_t upto) noexcept;

    bound_port take(error_code& ec) noexcept;
    bound_port take_port(std::uint16_t port, error_code& ec) noexcept;
    std::array<bound_port, 2> take_pair(error_code& ec) noexcept;
    bool take_run(std::span<bound_port> out, std::uint32_t alignment, error_code& ec) noexcept;  // lane_run.cpp
    void give_back(std::uint32_t index, bool lent, bool exposed, bool lost) noexcept;

    // lane_outbound.cpp: the destination chooses the port
    bound_port take_toward(const outbound::destination& d, error_code& ec) noexcept;
    /// Of a port that take_toward() brought: the system has the tuple in use.
    void refuse(std::uint32_t index) noexcept;

    // lane_share.cpp: ports that go from process to process. Lending and bringing back are the holder's, one thread.
    enum class brought : std::uint8_t { rested, tired, spoilt };
    [[nodiscard]] std::uint32_t ready() noexcept;  ///< that could be lent now
    std::uint32_t lend() noexcept;                 ///< claim::none: there was none
    std::uint32_t lend_pair() noexcept;            ///< the even one
    bool lend_given(std::uint32_t index) noexcept;
    void bring_back(std::uint32_t index, brought how) noexcept;
    template <class Visit>
    void for_each_condemned(Visit visit) const {
        condemned_.for_each(visit);
    }
    [[nodiscard]] bool anything_condemned() const noexcept { return !condemned_.none(); }
    bool renew(std::uint32_t index) noexcept;  ///< false: still condemned
    [[nodiscard]] bool is_condemned(std::uint32_t index) const noexcept { return condemned_.is_marked(index); }
    // The other process's: `unreserved` means that the port is elsewhere, unless callers still have its socket.
    [[nodiscard]] bool is_here(std::uint32_t index) const noexcept;
    error_code receive(std::uint32_t index, platform::native_socket session) noexcept;
    bool send_back(std::uint32_t index) noexcept;  ///< false: not available
    bool send_condemned_back(std::uint32_t index) noexcept;
    /// Whoever lent the ports is gone: what is available is closed, and what is not is condemned as it comes back.
    void strand() noexcept;
    [[nodiscard]] bool has_stranded() const noexcept { return !stranded_.none(); }

    // lane_bind.cpp: a caller's socket in place of the session socket
    void bind_callers(platform::native_socket target, std::uint16_t port, std::uint32_t& index, std::uint64_t& cookie,
                      failure& f);
    void callers_socket_closed(std::uint32_t index) noexcept;

    // lane_reclaim.cpp
    std::uint32_t reclaim() noexcept;

    // lane_release.cpp
    [[nodiscard]] std::uint32_t out() const noexcept;
    bool collect(if_taken policy, std::uint32_t& still_out) noexcept;
    void put_back_collected(std::uint32_t upto) noexcept;
    void drop_collected(std::uint32_t from, std::uint32_t upto) noexcept;
    void abandon() noexcept;

    // lane_pass_on.cpp: to another process. One thread at a time, and nobody releases meanwhile.
    /// No session socket is replaced from now on, or again.
    void keep_sessions(bool keep) noexcept;
    void make_room_to_freeze();
    /// Pre: the phase is closing, and there is room. Post: no port is within a draw's reach, and what each is stands on
    /// the board.
    void freeze(std::shared_ptr<platform::handover_board> board) noexcept;
    /// Pre: frozen. The other process is no more: all as before, parked anew.
    void thaw() noexcept;
    /// Pre: frozen. The other process has the block: what is not with a worker is closed here.
    void pass_on() noexcept;
    /// Who had the block before us, and lives.
    [[nodiscard]] prior_owners live_priors();
    [[nodiscard]] platform::held_block& block() noexcept { return *block_; }
    [[nodiscard]] bool is_open(std::uint32_t index) const noexcept { return state(index) == port_state::open; }
    /// Which session with this port is the present one, or was the last: each has another number.
    [[nodiscard]] std::uint32_t loan(std::uint32_t index) const noexcept {
        return records_[index].takes.low();
    }
    /// Given back, and a copy of its descriptor may be somewhere.
    [[nodiscard]] bool is_any_exposed() const noexcept { return !watched_.none(); }

    // lane_come_over.cpp: from another process
    /// Pre: not started. The fates are those of priors.front(), which may be dead; `serving`: ports that this process
    /// serves with from now on.
    void come_over(prior_owners priors, const std::vector<std::uint32_t>& serving);
    /// A port that came over open, for its server here.
    [[nodiscard]] bound_port serve(std::uint32_t index) noexcept;

    [[nodiscard]] std::uint32_t available() const noexcept { return claims_.available(); }
    void add_to(reservation_statistics& s) const noexcept;
    [[nodiscard]] platform::port_kind kind() const noexcept { return kind_; }
    [[nodiscard]] reservation_core& core() const noexcept { return core_; }
    [[nodiscard]] std::uint16_t port_at(std::uint32_t index) const noexcept {
        return static_cast<std::uint16_t>(numbers_.first + (sessions_ == 1 ? index : index / sessions_));
    }
    [[nodiscard]] std::uint32_t indices() const noexcept { return numbers_.count * sessions_; }
    [[nodiscard]] platform::native_socket session(std::uint32_t index) const noexcept {
        return block_->session(index);
    }
    [[nodiscard]] platform::held_sockets sockets(std::uint32_t index) const noexcept { return block_->sockets(index); }
    platform::native_socket duplicate(std::uint32_t index, error_code& ec) noexcept {
        return block_->duplicate(index, ec);
    }
    [[nodiscard]] std::uint32_t bytes_per_port() const noexcept;

private:
    struct port_record {
        [[no_unique_address]] take_count takes;
        std::atomic<port_state> state{port_state::unreserved};
    };
    static_assert(sizeof(port_record) == 8, "a held port has 64 bytes of memory, all told");
    struct counters {
        std::atomic<std::uint64_t> condemned{0}, renewed{0}, open_failures{0}, not_silent{0}, discarded{0};
        std::array<std::atomic<std::uint64_t>, 32> latency{};
    };

    [[nodiscard]] port_state state(std::uint32_t index) const noexcept {
        return records_[index].state.load(std::memory_order_acquire);
    }
    void enter(std::uint32_t index, port_state s) noexcept {
        records_[index].state.store(s, std::memory_order_release);
    }
    std::uint32_t draw(bool& may_look, error_code& ec) noexcept;
    bool open(std::uint32_t index) noexcept;
    bool may_draw(error_code& ec) noexcept;
    bool fetch(port_source::need what, std::uint32_t index, error_code& ec) noexcept;
    bool confirm(std::uint32_t index) noexcept;
    bool is_over(error_code& ec) noexcept;
    // lane_rest.cpp
    void settle(std::uint32_t index, const platform::park_result& parked) noexcept;
    void make_available(std::uint32_t index) noexcept;
    void rest(std::uint32_t index) noexcept;
    void condemn(std::uint32_t index) noexcept;
    bool finish_rest(std::uint32_t index, std::uint64_t now) noexcept;
    std::uint32_t wake_rested() noexcept;

    void settle_returned(std::uint32_t index, platform::named_by by) noexcept;
    std::uint32_t look_for_free();
    std::uint32_t look_for_closed();
    [[nodiscard]] std::vector<std::uint32_t> lent_ports() const;
    std::uint32_t renew_condemned() noexcept;
    bool collect_one(std::uint32_t index, if_taken policy) noexcept;
    bool give_back_shared(std::uint32_t index, bool exposed) noexcept;
    void drop_detached(std::uint32_t index, bool is_copied) noexcept;
    void lives_on(std::uint32_t index) noexcept;
    void leave(std::uint32_t index) noexcept;
    void look_for_lingering() noexcept;
    bool give_back_passing(std::uint32_t index, bool is_copied) noexcept;
    std::uint32_t look_at_priors() noexcept;
    platform::port_fate freeze_one(std::uint32_t index) noexcept;
    void thaw_one(std::uint32_t index) noexcept;
    void pass_on_one(std::uint32_t index) noexcept;
    [[nodiscard]] std::uint64_t rest_left(std::uint32_t index, std::uint64_t now) noexcept;
    void wake_all() noexcept;
    void note_latency(std::uint64_t nanoseconds) noexcept;
    outbound::tuple_sets* outbound(error_code& ec) noexcept;
    void end_tuple(std::uint32_t index) noexcept;

    reservation_core& core_;
    const platform::port_kind kind_;
    const port_block numbers_;  // of the block
    const std::uint32_t sessions_;  // of each port
    const lane_clock clock_;
    const std::uint64_t cool_down_;  // nanoseconds
    const std::uint64_t silence_;    // nanoseconds
    std::unique_ptr<platform::held_block> block_;
    claim::claim_set claims_;
    std::unique_ptr<port_record[]> records_;
    std::unique_ptr<std::uint32_t[]> heard_;  // only with silence: packets for the port when it was last looked at
    port_marks with_callers_;                 // open, and a caller closes the socket by itself
    port_marks watched_;                      // draining: given back, but a descriptor may still name the socket
    port_marks condemned_;                    // waits for renew
    port_marks with_priors_;                  // a process that had the block before us may still use the socket
    port_marks stranded_;                     // here, and not to be used again: who lent it is gone
    port_marks woken_;                        // by a release, which must not need memory: out of the cooling queue
    port_marks live_on_;                      // unreserved by a release, but a caller may still use the socket
    prior_owners priors_;                     // under reclaiming_
    std::shared_ptr<platform::handover_board> board_;  // from freeze on
    std::vector<platform::port_fate> frozen_;          // while frozen
    std::vector<std::uint64_t> inodes_;                // from freeze on: of each socket that is out; 0: not known
    std::vector<std::uint32_t> lingering_;  // passed on and given back, and a descriptor may still name the socket
    bool keeps_sessions_ = false;                      // under reclaiming_
    std::uint64_t look_cost_ = 0;  // nanoseconds that the last look for closed sockets took; under reclaiming_
    std::atomic<outbound::tuple_sets*> outbound_{nullptr};  // made by the first take_toward()
    std::mutex reclaiming_;        // off the fast path: reclaim, release
    counters counters_;
};

}  // namespace berth::detail
