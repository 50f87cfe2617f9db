// A reserve that is made in turns: the compiled part of async_reserve, without a word of Asio's executors.
#pragma once

#include <berth/detail/waker.hpp>
#include <berth/port_reservation.hpp>

namespace berth::detail {

/// A reserve under way. One thread at a time, but for cancel().
class reserve_turns {
public:
    /// `waker` is told when a turn is worth while again after is_waiting(), until the destructor returns; nullptr: a
    /// turn may take as long as the system does.
    BERTH_DECL explicit reserve_turns(const reservation_request& request, waker* waker = nullptr);
    /// Post: nothing is held. Takes as long as that takes.
    BERTH_DECL ~reserve_turns();
    reserve_turns(const reserve_turns&) = delete;
    reserve_turns& operator=(const reserve_turns&) = delete;

    /// Some further steps, for less than a millisecond of work. False: it is over.
    BERTH_DECL bool turn();
    /// After a turn that said true: the system takes its time.
    [[nodiscard]] BERTH_DECL bool is_waiting() const noexcept;
    /// Any thread. Does not tell the waker. Post: the next turns let go of what is held, and the end is
    /// operation_aborted.
    BERTH_DECL void cancel() noexcept;
    /// Pre: it is over. An empty reservation and why, or the reservation.
    BERTH_DECL port_reservation result(failure& f) noexcept;

private:
    struct parts;
    parts* parts_;
};

}  // namespace berth::detail
