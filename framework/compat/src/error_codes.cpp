// See error_codes.hpp.
#include "error_codes.hpp"

#include "winsock2.h"

#include <cerrno>

namespace berth::compat {
namespace {

struct row {
    int system;
    int winsock;
};

constexpr row rows[] = {
    {EINTR, WSAEINTR},
    {EBADF, WSAENOTSOCK},
    {ENOTSOCK, WSAENOTSOCK},
    {EACCES, WSAEACCES},
    {EPERM, WSAEACCES},
    {EFAULT, WSAEFAULT},
    {EINVAL, WSAEINVAL},
    {EMFILE, WSAEMFILE},
    {ENFILE, WSAEMFILE},
    {EAGAIN, WSAEWOULDBLOCK},
    {EINPROGRESS, WSAEWOULDBLOCK},  // of a connect: Windows says it so
    {EALREADY, WSAEALREADY},
    {EDESTADDRREQ, WSAEDESTADDRREQ},
    {EMSGSIZE, WSAEMSGSIZE},
    {EPROTOTYPE, WSAEPROTOTYPE},
    {ENOPROTOOPT, WSAENOPROTOOPT},
    {EPROTONOSUPPORT, WSAEPROTONOSUPPORT},
    {ESOCKTNOSUPPORT, WSAESOCKTNOSUPPORT},
    {EOPNOTSUPP, WSAEOPNOTSUPP},
    {EPFNOSUPPORT, WSAEPFNOSUPPORT},
    {EAFNOSUPPORT, WSAEAFNOSUPPORT},
    {EADDRINUSE, WSAEADDRINUSE},
    {EADDRNOTAVAIL, WSAEADDRNOTAVAIL},
    {ENETDOWN, WSAENETDOWN},
    {ENETUNREACH, WSAENETUNREACH},
    {ECONNABORTED, WSAECONNABORTED},
    {ECONNRESET, WSAECONNRESET},
    {EPIPE, WSAESHUTDOWN},
    {ENOBUFS, WSAENOBUFS},
    {ENOMEM, WSA_NOT_ENOUGH_MEMORY},
    {EISCONN, WSAEISCONN},
    {ENOTCONN, WSAENOTCONN},
    {ETIMEDOUT, WSAETIMEDOUT},
    {ECONNREFUSED, WSAECONNREFUSED},
    {EHOSTUNREACH, WSAEHOSTUNREACH},
};

int code_of(errc e) noexcept {
    switch (e) {
        case errc::block_unavailable:
        case errc::block_exhausted:
        case errc::port_taken:
            return WSAEADDRINUSE;
        case errc::address_mismatch:
        case errc::wrong_namespace:
            return WSAEADDRNOTAVAIL;
        case errc::operation_not_supported:
            return WSAEOPNOTSUPP;
        case errc::permission_denied:
            return WSAEACCES;
        case errc::not_a_socket:
            return WSAENOTSOCK;
        case errc::operation_aborted:
            return WSA_OPERATION_ABORTED;
        case errc::too_many_files:
            return WSAEMFILE;
        case errc::no_memory:
        case errc::quota_exceeded:  // none of the documents' calls says it
        case errc::too_many_destinations:
            return WSA_NOT_ENOUGH_MEMORY;
        case errc::system_failure:
            return WSASYSCALLFAILURE;
        case errc::service_unavailable:
            return WSAENETDOWN;  // what holds the persistent ports is down
        case errc::invalid_argument:
        case errc::already_bound:
        case errc::not_associated:
        case errc::family_mismatch:
        case errc::port_outside_block:
        case errc::invalid_token:
        case errc::protocol_mismatch:
        case errc::reservation_busy:
        case errc::reservation_released:
        case errc::option_refused:
        case errc::forked:
        case errc::no_such_reservation:
            return WSAEINVAL;
    }
    return WSASYSCALLFAILURE;
}

constexpr std::uintptr_t cancelled = 0xC0000120;
constexpr std::uintptr_t windows_error_as_status = 0xC0070000;

}  // namespace

int winsock_code_of_errno(int number) noexcept {
    for (const auto& r : rows)
        if (r.system == number) return r.winsock;
    return WSASYSCALLFAILURE;
}

int winsock_code(const error_code& ec) noexcept {
    if (!ec) return 0;
    if (ec.category() == error_category()) return code_of(static_cast<errc>(ec.value()));
    return winsock_code_of_errno(ec.value());
}

std::uint32_t windows_code(const error_code& ec) noexcept {
    if (!ec) return NO_ERROR;
    if (ec.category() != error_category()) return ERROR_GEN_FAILURE;
    switch (static_cast<errc>(ec.value())) {
        case errc::block_unavailable:
        case errc::reservation_busy:
            return ERROR_SHARING_VIOLATION;
        case errc::invalid_argument:
            return ERROR_INVALID_PARAMETER;
        case errc::permission_denied:
            return ERROR_ACCESS_DENIED;
        case errc::no_such_reservation:
            return ERROR_NOT_FOUND;
        case errc::too_many_files:
            return ERROR_TOO_MANY_OPEN_FILES;
        case errc::no_memory:
            return ERROR_NOT_ENOUGH_MEMORY;
        case errc::service_unavailable:
            return ERROR_SERVICE_NOT_ACTIVE;
        default:
            return ERROR_GEN_FAILURE;
    }
}

std::uintptr_t status_of(int winsock_error) noexcept {
    if (winsock_error == 0) return 0;
    if (winsock_error == WSA_OPERATION_ABORTED) return cancelled;
    return windows_error_as_status | static_cast<std::uintptr_t>(winsock_error);
}

int winsock_code_of_status(std::uintptr_t status) noexcept {
    if (status == 0) return 0;
    if (status == STATUS_PENDING) return WSA_IO_INCOMPLETE;
    return status == cancelled ? WSA_OPERATION_ABORTED : static_cast<int>(status & 0xFFFF);
}

int fail(int winsock_error) noexcept {
    WSASetLastError(winsock_error);
    return SOCKET_ERROR;
}

}  // namespace berth::compat
