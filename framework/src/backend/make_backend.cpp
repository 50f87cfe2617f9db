// Which backend a loop gets: the ring if it is to be had, else Asio's, and in words why.
#include "backend/loop_parts.hpp"

namespace berth::detail {

std::unique_ptr<backend> make_backend(const loop_options& options, std::string& reason) {
    backend_options asked;
    asked.entries = options.entries;
    asked.buffer_size = options.buffer_size;
    asked.buffer_count = options.buffer_count;
    std::string refused;
    if (options.allow_ring) {
        if (auto ring = make_uring_backend(asked, refused)) {
            reason = "io_uring is available";
            return ring;
        }
        if (options.require_ring) {
            reason = "io_uring was required: " + refused;
            return nullptr;
        }
    }
    auto asio = make_asio_backend(asked, reason);
    if (asio) reason = options.allow_ring ? refused : "the asio backend was asked for";
    return asio;
}

}  // namespace berth::detail
