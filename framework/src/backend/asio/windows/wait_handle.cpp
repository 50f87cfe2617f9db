// A completion port tells nobody who does not ask it.
#include "backend/asio/asio_backend.hpp"

#include <asio/detail/socket_types.hpp>

namespace berth::detail {

platform::native_socket asio_backend::wait_handle(std::error_code& ec) noexcept {
    ec = {WSAEOPNOTSUPP, std::system_category()};
    return -1;
}

}  // namespace berth::detail
