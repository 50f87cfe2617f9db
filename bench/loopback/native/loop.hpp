// The loop of berth's servers: buffers as the server on bare io_uring has them, and spinning if it is asked for.
#pragma once

#include "loopback/contract/contestant.hpp"

#include <berth/io_context.hpp>

namespace berth::bench {

inline io_context_options loop_options(const server_order& order) {
    const bool is_large = order.size > 1536;
    io_context_options options;
    options.backend = backend_choice::io_uring;
    options.spin = order.spin;
    options.lent_buffer_size = is_large ? 16'384 : 2112;
    options.lent_buffer_count = is_large ? 256 : 1024;
    return options;
}

}  // namespace berth::bench
