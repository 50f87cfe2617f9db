// From Winsock's numbers to berth's words; see winsock_failure.hpp.
#include "platform/windows/winsock_failure.hpp"

#include <winsock2.h>

namespace berth::platform {

error_code code_of(std::intptr_t negative) noexcept {
    switch (-negative) {
        case WSAEADDRINUSE:
            return errc::block_unavailable;
        case WSAEACCES:
        case ERROR_ACCESS_DENIED:
            return errc::permission_denied;
        case WSAEMFILE:
            return errc::too_many_files;
        case WSAENOBUFS:
        case WSA_NOT_ENOUGH_MEMORY:
            return errc::no_memory;
        case WSAEADDRNOTAVAIL:
            return errc::address_mismatch;
        case WSAENOTSOCK:
        case WSA_INVALID_HANDLE:
            return errc::not_a_socket;
        case WSAEAFNOSUPPORT:
            return errc::family_mismatch;
        case WSAEOPNOTSUPP:
            return errc::operation_not_supported;
        case WSA_OPERATION_ABORTED:
        case WSAEINTR:
            return errc::operation_aborted;
        case WSAEINVAL:
            return errc::invalid_argument;
        default:
            return errc::system_failure;
    }
}

std::string name_of_error(std::intptr_t negative) {
    const char* name = "error ";
    switch (-negative) {
        case WSAEADDRINUSE:
            name = "WSAEADDRINUSE ";
            break;
        case WSAEACCES:
            name = "WSAEACCES ";
            break;
        case WSAEMFILE:
            name = "WSAEMFILE ";
            break;
        case WSAENOBUFS:
            name = "WSAENOBUFS ";
            break;
        case WSAEADDRNOTAVAIL:
            name = "WSAEADDRNOTAVAIL ";
            break;
        case WSAENOTSOCK:
            name = "WSAENOTSOCK ";
            break;
        case WSAEAFNOSUPPORT:
            name = "WSAEAFNOSUPPORT ";
            break;
        case WSAEOPNOTSUPP:
            name = "WSAEOPNOTSUPP ";
            break;
        case WSAEINVAL:
            name = "WSAEINVAL ";
            break;
        case WSAENETDOWN:
            name = "WSAENETDOWN ";
            break;
        case WSAEINPROGRESS:
            name = "WSAEINPROGRESS ";
            break;
        case WSAEFAULT:
            name = "WSAEFAULT ";
            break;
        case WSAEINTR:
            name = "WSAEINTR ";
            break;
        case WSA_OPERATION_ABORTED:
            name = "WSA_OPERATION_ABORTED ";
            break;
        default:
            break;
    }
    return name + std::to_string(-negative);
}

// Windows has no privileged ports: what is refused as forbidden is excluded, or held by an exclusive socket.
failure port_failure(std::intptr_t negative, const char* protocol, std::uint16_t port, const std::string& who) {
    failure f;
    f.code = code_of(negative);
    f.port = port;
    const std::string subject = std::string(protocol) + " port " + std::to_string(port);
    switch (-negative) {
        case WSAEADDRINUSE:
            f.what = subject + " is in use" + (who.empty() ? "" : " by " + who) +
                     "; choose another block, or first = 0 for any free one";
            break;
        case WSAEACCES:
            f.code = errc::block_unavailable;
            f.what = subject +
                     (who.empty() ? " is held exclusively by another socket, or lies in a range that Windows "
                                    "excludes (netsh interface ipv4 show excludedportrange)"
                                  : " is in use by " + who) +
                     "; choose another block, or first = 0 for any free one";
            break;
        case WSAEMFILE:
            f.what = subject + ": the process has no more handles; reserve fewer ports";
            break;
        case WSAEADDRNOTAVAIL:
            f.what = subject + ": the local address asked for is not one of this machine's";
            break;
        default:
            f.what = subject + ": the system refused, " + name_of_error(negative);
    }
    return f;
}

}  // namespace berth::platform
