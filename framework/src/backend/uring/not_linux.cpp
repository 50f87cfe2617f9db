// In the ring's place where the system is not Linux.
#include "backend/backend.hpp"

namespace berth::detail {

std::unique_ptr<backend> make_uring_backend(const backend_options&, std::string& reason) {
    reason = "io_uring is Linux's; here the backend is Asio's";
    return nullptr;
}

}  // namespace berth::detail
