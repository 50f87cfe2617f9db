// Systems without fork: one stamp for ever.
#include "platform/fork_stamp.hpp"

namespace berth::platform {

std::uint64_t fork_stamp() noexcept { return 1; }

}  // namespace berth::platform
