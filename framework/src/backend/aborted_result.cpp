// What cancel and quiet end an operation with: the system's number, so that it passes for one of its results.
#include "backend/backend.hpp"

#include <asio/error.hpp>

namespace berth::detail {

int aborted_result() noexcept { return -static_cast<int>(asio::error::operation_aborted); }

}  // namespace berth::detail
