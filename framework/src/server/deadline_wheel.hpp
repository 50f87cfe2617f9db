// The sessions of a shard, each in the slot of the tick at which its deadlines are looked at next.
//
// Activity is a stamp in the session and moves nothing: whoever is found before its time is put where its time is.
// Ticks count up with the timer, not with the clock, so that a shard that could not look ends nobody for it.
#pragma once

#include <berth/detail/session.hpp>
#include <berth/server_options.hpp>

#include <array>
#include <cstdint>

namespace berth::detail {

class deadline_wheel {
public:
    explicit deadline_wheel(const server_options& options) noexcept;

    [[nodiscard]] bool has_deadlines() const noexcept { return first_byte_ + idle_ + total_ + write_ != 0; }
    [[nodiscard]] std::uint32_t now() const noexcept { return now_; }

    void insert(session& s) noexcept;
    static void remove(session& s) noexcept;
    /// A deadline may have come nearer.
    void hasten(session& s) noexcept;

    /// One tick more; expire(session, why) for each whose time has come.
    template <class Expire>
    void tick(Expire expire) noexcept {
        session* looking = nullptr;
        take(slots_[++now_ % slots_.size()], looking);
        while (looking != nullptr) {
            session& s = *looking;
            remove(s);
            connection_end why{};
            if (is_due(s, why)) {
                enter(s, resting_);
                expire(s, why);
            } else {
                insert(s);
            }
        }
    }

    /// what(session) for each there is now. It may do what it likes to any of them, and visit them all itself: it does
    /// so then for those that are left, and the visit outside is over.
    template <class What>
    void visit_all(What what) noexcept {
        gather();
        while (visiting_ != nullptr) {
            const session_reference s(*visiting_);
            remove(*s);
            s->awaits_visit_ = false;
            insert(*s);
            what(*s);
        }
    }

private:
    void gather() noexcept;
    static void enter(session& s, session*& list) noexcept;
    static void take(session*& from, session*& to) noexcept;
    [[nodiscard]] bool is_due(const session& s, connection_end& why) const noexcept;
    /// Ticks from now until its first deadline; `never` without one.
    [[nodiscard]] std::int32_t left(const session& s, connection_end& why) const noexcept;

    static constexpr std::int32_t never = INT32_MAX;
    std::uint32_t first_byte_, idle_, total_, write_;  // ticks; 0: none
    std::uint32_t now_ = 0;
    session* resting_ = nullptr;   // without a deadline
    session* visiting_ = nullptr;  // not visited yet
    std::array<session*, 256> slots_{};
};

}  // namespace berth::detail
