// The backends that the suite runs over: one line each. One that this system refuses is skipped with its reason.
#include "conformance/backend_ground.hpp"

namespace backend_suite {

std::vector<sibling> every_backend() {
    return {
        {"asio", berth::detail::make_asio_backend},
        {"io_uring", berth::detail::make_uring_backend},
    };
}

}  // namespace backend_suite
