// A block for a server that was started again: its predecessor's sockets may need a moment to go.
//
// Of a process that was killed the kernel lets go when its rings have ended, which takes some milliseconds; a
// supervisor starts the next one sooner.
#pragma once

#include <berth/port_reservation.hpp>
#include <berth/service/logger.hpp>

#include <chrono>

namespace berth::service {

/// As port_reservation::reserve, and again every 20 ms while a port of the block is in use, until `patience` is over.
/// The first refusal is an event of the log, ports_in_use. Blocks; before the shards run. Throws reservation_error,
/// what the last attempt said.
[[nodiscard]] port_reservation reserve_patiently(const reservation_request& request, logger& log,
                                                 std::chrono::milliseconds patience = std::chrono::seconds(1));

}  // namespace berth::service
