// WSAIoctl, and how its overlapped calls end: what is asked, in which order, is decided here; operations.cpp acts.
//
// Order of refusals: no socket, no such code, sizes, pointers, then what the operation itself finds. Nothing is
// written before all pointers are known to be good, but the number of bytes, which is zero from the start.
#include "error_codes.hpp"
#include "open_sockets.hpp"
#include "operations.hpp"
#include "user_memory.hpp"
#include "ws2spi.h"

#include <sys/socket.h>

#include <new>

using namespace berth;
using namespace berth::compat;

namespace {

struct request {
    SOCKET s;
    DWORD code;
    LPVOID in;
    DWORD in_size;
    LPVOID out;
    DWORD out_size;
    LPDWORD bytes_returned;
    LPWSAOVERLAPPED overlapped;
    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine;
};

bool is_ours(DWORD code) {
    return code == SIO_ACQUIRE_PORT_RESERVATION || code == SIO_ASSOCIATE_PORT_RESERVATION ||
           code == SIO_RELEASE_PORT_RESERVATION || code == SIO_FLUSH;
}

// A code says which way its data goes: none, in, out, or both. What says nothing, or two things, is no command.
int refused_code(DWORD code) {
    if (is_ours(code)) return 0;
    const bool takes_nothing = (code & IOC_VOID) != 0;
    const bool takes_something = (code & IOC_INOUT) != 0;
    return takes_nothing == takes_something ? WSAEINVAL : WSAEOPNOTSUPP;
}

int refused_kind(int fd) {
    int family = 0;
    int type = 0;
    int protocol = 0;
    socklen_t size = sizeof(int);
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
        ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) != 0)
        return WSAENOTSOCK;
    const bool is_ip = family == AF_INET || family == AF_INET6;
    const bool is_tcp = type == SOCK_STREAM && protocol == IPPROTO_TCP;
    const bool is_udp = type == SOCK_DGRAM && protocol == IPPROTO_UDP;
    return is_ip && (is_tcp || is_udp) ? 0 : WSAEOPNOTSUPP;
}

int refused_sizes(const request& r) {
    if (r.code == SIO_FLUSH) return 0;
    const bool acquires = r.code == SIO_ACQUIRE_PORT_RESERVATION;
    if (r.in_size < (acquires ? sizeof(INET_PORT_RANGE) : sizeof(INET_PORT_RESERVATION_TOKEN))) return WSAEINVAL;
    if (acquires) return r.out_size < sizeof(INET_PORT_RESERVATION_INSTANCE) ? WSAEINVAL : 0;
    return r.out_size != 0 ? WSAEINVAL : 0;
}

int refused_pointers(const request& r, bool is_overlapped) {
    if (r.code != SIO_FLUSH && !can_read(r.in, r.in_size)) return WSAEFAULT;
    if (r.code == SIO_ACQUIRE_PORT_RESERVATION && !can_write(r.out, r.out_size)) return WSAEFAULT;
    if (!is_overlapped) return 0;
    if (!can_write(r.overlapped, sizeof *r.overlapped)) return WSAEFAULT;
    return r.routine != nullptr && !can_read(reinterpret_cast<const void*>(r.routine), 1) ? WSAEFAULT : 0;
}

int prepare(const request& r, operation& op) {
    if (r.code == SIO_FLUSH) return 0;
    if (r.code != SIO_ACQUIRE_PORT_RESERVATION) {
        INET_PORT_RESERVATION_TOKEN token{};
        if (!copy_in(&token, r.in, sizeof token)) return WSAEFAULT;
        op.token = reservation_token(token.Token);
        return 0;
    }
    INET_PORT_RANGE range{};
    if (!copy_in(&range, r.in, sizeof range)) return WSAEFAULT;
    op.block = {ntohs(range.StartPort), range.NumberOfPorts};
    op.out = r.out;
    return op.block.is_valid() ? 0 : WSAEINVAL;
}

// Runtime tokens of this program are looked up at once; whatever else may be one that a daemon knows.
bool may_take_long(const operation& op) {
    if (op.code == SIO_ACQUIRE_PORT_RESERVATION) return true;
    return op.code == SIO_ASSOCIATE_PORT_RESERVATION && !open_sockets::instance().has_acquired(op.token);
}

int control(const request& r, DWORD& bytes) {
    const int fd = descriptor_of(r.s);
    if (fd < 0) return WSAENOTSOCK;
    if (const int refused = refused_code(r.code)) return refused;
    if (r.code != SIO_FLUSH)
        if (const int refused = refused_kind(fd)) return refused;
    if (const int refused = refused_sizes(r)) return refused;
    const bool is_overlapped =
        (r.overlapped != nullptr || r.routine != nullptr) && open_sockets::instance().is_overlapped(fd);
    if (const int refused = refused_pointers(r, is_overlapped)) return refused;
    const auto op = std::make_shared<operation>();
    op->code = r.code;
    op->fd = fd;
    if (const int refused = prepare(r, *op)) return refused;
    if (r.code == SIO_FLUSH) operations::instance().flush(fd);
    if (is_overlapped) {
        op->overlapped = r.overlapped;
        op->routine = r.routine;
        op->thread = callbacks_of_this_thread();
        if (may_take_long(*op)) return operations::instance().start(op);
    }
    return operations::instance().perform(op, bytes);
}

}  // namespace

extern "C" {

int WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD bytes_returned,
             LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine) {
    DWORD bytes = 0;
    const bool may_lack_bytes = bytes_returned == nullptr && overlapped != nullptr;
    if (descriptor_of(s) < 0) return fail(WSAENOTSOCK);
    if (!may_lack_bytes && !copy_out(bytes_returned, &bytes, sizeof bytes)) return fail(WSAEFAULT);
    int error = 0;
    try {
        error = control({s, code, in, in_size, out, out_size, bytes_returned, overlapped, routine}, bytes);
    } catch (const std::bad_alloc&) {
        error = WSA_NOT_ENOUGH_MEMORY;
    }
    if (error != 0) return fail(error);
    if (!may_lack_bytes && !copy_out(bytes_returned, &bytes, sizeof bytes)) return fail(WSAEFAULT);
    return 0;
}

int WSPIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD bytes_returned,
             LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine, LPWSATHREADID, LPINT lpErrno) {
    if (!can_write(lpErrno, sizeof *lpErrno)) return fail(WSAEFAULT);
    const int result = WSAIoctl(s, code, in, in_size, out, out_size, bytes_returned, overlapped, routine);
    if (result != 0) *lpErrno = WSAGetLastError();
    return result;
}

BOOL WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD bytes, BOOL wait, LPDWORD flags) {
    const DWORD none = 0;
    int error = 0;
    if (descriptor_of(s) < 0) error = WSAENOTSOCK;
    if (error == 0 && (!can_write(overlapped, sizeof *overlapped) || !copy_out(bytes, &none, sizeof none) ||
                       !copy_out(flags, &none, sizeof none)))
        error = WSAEFAULT;
    if (error == 0) {
        auto& all = monitor::instance();
        std::unique_lock lock(all.mutex);
        const std::atomic_ref status(overlapped->Internal);
        if (wait) all.changed.wait(lock, [&] { return status.load() != STATUS_PENDING; });
        error = winsock_code_of_status(status.load());
        if (error == 0) *bytes = static_cast<DWORD>(overlapped->InternalHigh);
    }
    if (error != 0) WSASetLastError(error);
    return error == 0 ? TRUE : FALSE;
}

BOOL CancelIoEx(HANDLE socket, LPOVERLAPPED overlapped) {
    const int fd = descriptor_of(reinterpret_cast<SOCKET>(socket));
    if (fd >= 0 && operations::instance().abort_one(fd, overlapped)) return TRUE;
    SetLastError(fd < 0 ? ERROR_INVALID_HANDLE : ERROR_NOT_FOUND);
    return FALSE;
}

}  // extern "C"
