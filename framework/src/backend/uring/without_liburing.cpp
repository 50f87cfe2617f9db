// In the ring's place where berth was built without liburing.
#include "backend/backend.hpp"

namespace berth::detail {

std::unique_ptr<backend> make_uring_backend(const backend_options&, std::string& reason) {
    reason = "built without liburing: build berth with liburing 2.3 or newer (Debian: liburing-dev) on Linux";
    return nullptr;
}

}  // namespace berth::detail
