// What a persistent block must be, asked on both sides of the socket. An empty failure: nothing is wrong with it.
#pragma once

#include <berth/error.hpp>
#include <berth/port_block.hpp>
#include <berth/reservation_request.hpp>

namespace berth::detail {

failure check_persistent(const port_block& block, transport protocol);

}  // namespace berth::detail
