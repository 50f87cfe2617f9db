// Without a system's words: nothing is accepted here, so nothing of this is reached.
#include "platform/server_calls.hpp"

#include <system_error>

namespace berth::platform {

accept_trouble accept_trouble_of(int) noexcept { return accept_trouble::other; }

native_socket duplicate(native_socket, int& error) noexcept {
    error = static_cast<int>(std::errc::operation_not_supported);
    return native_socket(-1);
}

bool lacks_syn_cookies() noexcept { return false; }

void close_with_reset(native_socket) noexcept {}

}  // namespace berth::platform
