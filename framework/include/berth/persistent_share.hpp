// A consumer's part of a persistent block: an ordinary port_reservation whose ports come from berthd.
//
// Any number of processes share one block. Each starts with none of its ports; a draw that finds nothing available
// here asks the daemon, which sends many at once, and from then on taking and giving back are what they are with a
// reservation of the process's own, and ask nobody. What is idle goes back when others want it. A process that ends,
// however it ends, gives all back; a daemon that ends and comes again is noticed by nobody. Who may consume a block
// is whoever may obtain its token: see persistent.hpp. All consumers trust one another: sockets go from one to the
// next, and one that on purpose keeps a copy of a socket it gave back (duplicate(), SCM_RIGHTS, a child) can read
// what the next one is sent. Documents: "Remarks" of SIO_ASSOCIATE_PORT_RESERVATION for a persistent reservation's
// token; associate() takes such a token as well, and opens a share by itself.
#pragma once

#include <berth/persistent.hpp>
#include <berth/port_reservation.hpp>

namespace berth::inline v0_1 {

struct share_options {
    draw_order order = draw_order::random;   ///< of the ports that are here
    std::chrono::milliseconds cool_down{0};  ///< rest of a port between two sessions in this process
    std::uint32_t fetch = 64;  ///< ports to ask for at once, 1 to 253; fewer come where others need them
    std::chrono::milliseconds patience{5'000};  ///< for an answer of the daemon's, one that starts again included
    std::string socket_path{};                  ///< the daemon's; empty: $BERTH_SOCKET, or default_service_socket
};

/// Opens a share of the persistent block that the token names. Post on success: a reservation of that block without a
/// port yet; its token is the block's. Differences to a reservation of the process's own:
/// - a take that finds nothing here waits for the daemon (tenths of a millisecond; `patience` at most, or a year),
///   and fails with block_exhausted (also: the block is drained, or the ports that are left are kept for other
///   consumers), service_unavailable, too_many_files or reservation_released (the block was removed); take_port and
///   take_pair ask for exactly what they need;
/// - statistics() count the ports that are here;
/// - release() gives all ports back; those whose sockets callers of bind() or duplicate() still have stay this
///   process's until it ends, and no others; a take that it overlaps fails with reservation_released;
/// - where daemon and keeper are both new, idle ports are closed, and those that are out when they are given back.
/// associate() with a token that this process does not know asks the daemon as well, for five seconds at most.
/// On Windows, which gives ports out itself and tells nobody which are taken: a share has all ports of the block from
/// the start (block_exhausted, with the number of those that others have), of a token that this process created or
/// looked up; associate() takes any persistent token and draws one port, and such a socket is closed by its owner.
/// Errors: invalid_token, invalid_argument, permission_denied, service_unavailable (also: berthd serves as many
/// shares as it will), too_many_files, system_failure. Thread-safe. One thread for each open share, asleep but for
/// the daemon's wishes and a look once a second at what is idle. A forked child opens its own.
[[nodiscard]] BERTH_DECL port_reservation open_persistent(reservation_token token, failure& f,
                                                          const share_options& options = {}) noexcept;

/// Why the last draw of this reservation that asked the daemon got nothing; an empty failure if it got something, or
/// the ports are the process's own. In a forked child: forked. Waits for a draw that is asking. Thread-safe.
[[nodiscard]] BERTH_DECL failure last_refusal(const port_reservation& reservation);

[[nodiscard]] inline port_reservation open_persistent(reservation_token token, error_code& ec,
                                                      const share_options& options = {}) {
    failure f;
    auto share = open_persistent(token, f, options);
    ec = f.code;
    return share;
}

[[nodiscard]] inline port_reservation open_persistent(reservation_token token, const share_options& options = {}) {
    failure f;
    auto share = open_persistent(token, f, options);
    if (f) throw reservation_error(f);
    return share;
}

}  // namespace berth::v0_1
