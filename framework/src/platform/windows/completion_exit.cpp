// Getting a socket off its completion port; see completion_exit.hpp.
#include "platform/windows/completion_exit.hpp"

namespace berth::platform {
namespace {

constexpr int status_invalid_handle = 0x40000008, status_invalid_parameter = 0x4000000d;  // without their top bit

// Asks for a port that is none: refused because the socket has one already, or because that is none.
int ask(windows_calls& os, native_socket s) noexcept {
    return os.set_completion(s, reinterpret_cast<HANDLE>(std::intptr_t{0x7ffffff0}), false);
}

}  // namespace

completion_exit completion_exit::find(windows_calls& os) noexcept {
    completion_exit found;
    const native_socket s = os.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    if (s < 0) return found;
    HANDLE port = nullptr;
    const bool told_before = ask(os, s) == -status_invalid_handle;
    if (os.make_completion_port(port) >= 0 && os.set_completion(s, port, false) >= 0) {
        found.can_tell = told_before && ask(os, s) == -status_invalid_parameter;
        found.can_leave = os.set_completion(s, nullptr, true) >= 0;
    }
    os.close(s);
    if (port != nullptr) os.let_go(port);
    return found;
}

bool completion_exit::take_off(windows_calls& os, native_socket s) const noexcept {
    if (can_leave) return os.set_completion(s, nullptr, true) >= 0;
    return can_tell && ask(os, s) == -status_invalid_handle;
}

bool completion_exit::is_on_one(windows_calls& os, native_socket s) const noexcept {
    return !can_leave && can_tell && ask(os, s) == -status_invalid_parameter;
}

}  // namespace berth::platform
