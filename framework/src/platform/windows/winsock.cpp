// See winsock.hpp.
#include "platform/windows/winsock.hpp"

namespace berth::platform {

int start_winsock() noexcept {
    static const int error = []() noexcept {
        WSADATA facts;
        return ::WSAStartup(MAKEWORD(2, 2), &facts);
    }();
    return error;
}

}  // namespace berth::platform
