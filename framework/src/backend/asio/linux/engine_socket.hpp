// The socket of an attachment on Linux: Asio's own.
#pragma once

#include "backend/asio/vocabulary.hpp"

#include <asio/basic_datagram_socket.hpp>

namespace berth::detail {

using engine_socket = asio::basic_datagram_socket<any_transport, asio::io_context::executor_type>;

}  // namespace berth::detail
