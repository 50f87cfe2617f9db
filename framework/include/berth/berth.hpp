// Everything at once. Include the single headers where compile time matters.
#pragma once

#include <berth/associate.hpp>
#include <berth/bound.hpp>
#include <berth/bound_port.hpp>
#include <berth/capabilities.hpp>
#include <berth/connection.hpp>
#include <berth/error.hpp>
#include <berth/io_context.hpp>
#include <berth/log.hpp>
#include <berth/port_block.hpp>
#include <berth/port_reservation.hpp>
#include <berth/reservation_request.hpp>
#include <berth/reservation_token.hpp>
#include <berth/server.hpp>
#include <berth/server_options.hpp>
#include <berth/shard_allocator.hpp>
#include <berth/shards.hpp>
#include <berth/signal_set.hpp>
#include <berth/statistics.hpp>
#include <berth/steady_timer.hpp>
#include <berth/tcp_acceptor.hpp>
#include <berth/tcp_socket.hpp>
#include <berth/udp_socket.hpp>
