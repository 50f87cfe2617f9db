// The seam: every system call that the Windows provider makes goes through one of these verbs.
//
// Contract: a verb returns what the call returned (0 or more), or the negated error: WSAGetLastError's number, or
// GetLastError's where Winsock is not asked. noexcept, thread-safe, no state that callers see. Tests put a sibling in
// its place that follows the documents to the letter, or lets any call fail; winsock_calls is the real one. What an
// old system lacks is looked up at run time and never linked. Nothing above platform/windows/ includes this header.
#pragma once

#include "platform/native_socket.hpp"

// Before windows.h, which would bring the first Winsock.
#include <winsock2.h>
#include <ws2tcpip.h>

#include <mstcpip.h>
#include <windows.h>

#include <cstdint>
#include <vector>

namespace berth::platform {

/// A row of the system's socket tables; the port in host byte order. UDP rows have no state.
struct table_row {
    std::uint16_t port = 0;
    std::uint32_t process = 0;  // 0: the system does not tell, or no process has it any more
    std::uint32_t state = 0;    // MIB_TCP_STATE
};

class windows_calls {
public:
    virtual ~windows_calls() = default;

    /// Overlapped, not inherited by child processes.
    virtual native_socket socket(int family, int type, int protocol) noexcept = 0;
    virtual int close(native_socket s) noexcept = 0;
    virtual int bind(native_socket s, const sockaddr* address, int size) noexcept = 0;
    virtual int listen(native_socket s, int backlog) noexcept = 0;
    virtual native_socket accept(native_socket s) noexcept = 0;
    virtual int shutdown(native_socket s, int how) noexcept = 0;
    virtual int recv(native_socket s, void* data, int size) noexcept = 0;
    virtual int getsockname(native_socket s, sockaddr_storage& name) noexcept = 0;
    virtual int getpeername(native_socket s, sockaddr_storage& name) noexcept = 0;
    virtual int getsockopt(native_socket s, int level, int name, void* value, int* size) noexcept = 0;
    virtual int setsockopt(native_socket s, int level, int name, const void* value, int size) noexcept = 0;
    virtual int set_blocking(native_socket s, bool blocking) noexcept = 0;  // FIONBIO
    virtual int select_no_events(native_socket s) noexcept = 0;             // WSAEventSelect(s, none, 0)

    /// WSAIoctl without a completion routine. -WSA_IO_PENDING with `overlapped`: fetch the end by result().
    virtual int ioctl(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size,
                      DWORD& returned, OVERLAPPED* overlapped) noexcept = 0;
    /// The end of an overlapped call, for `timeout_ms` other than 0 with an event: 0, or what it failed with; -WSA_IO_INCOMPLETE after `timeout_ms`
    /// (INFINITE: waits).
    virtual int result(native_socket s, OVERLAPPED& overlapped, DWORD timeout_ms) noexcept = 0;
    /// Ends what this process waits for on the socket; nullptr: all of it. -ERROR_NOT_FOUND: nothing was under way.
    virtual int cancel(native_socket s, OVERLAPPED* overlapped) noexcept = 0;

    /// Another descriptor of the same socket, for this process (WSADuplicateSocket).
    virtual native_socket duplicate(native_socket s) noexcept = 0;
    /// A plain handle on the socket's object: it keeps it alive, and is for same(), count_handles() and let_go()
    /// only.
    virtual int name(native_socket s, HANDLE& out) noexcept = 0;
    virtual int let_go(HANDLE h) noexcept = 0;
    /// 1: both name one object; 0: they do not.
    virtual int same(HANDLE h, native_socket s) noexcept = 0;
    /// How many handles the machine's processes have on the object.
    virtual int count_handles(HANDLE h, std::uint32_t& out) noexcept = 0;

    /// Puts the socket's completions on `port`; with `replaces` in place of whichever it has, nullptr: none. Else
    /// only if it has none. 0, or the negated NTSTATUS's low 31 bits.
    virtual int set_completion(native_socket s, HANDLE port, bool replaces) noexcept = 0;
    virtual int make_completion_port(HANDLE& out) noexcept = 0;
    /// Whose end is the next on the port; result() says which end. -WAIT_TIMEOUT: none came in `timeout_ms`.
    virtual int fetch_completion(HANDLE port, OVERLAPPED*& out, DWORD timeout_ms) noexcept = 0;
    /// Puts one there that is no call's end.
    virtual int post_completion(HANDLE port, OVERLAPPED* which) noexcept = 0;

    virtual std::uint32_t build() noexcept = 0;  // RtlGetVersion's, which no manifest changes
    virtual std::uint32_t process() noexcept = 0;
    virtual std::uint32_t network_compartment() noexcept = 0;  // 1 where the system has none
    /// Appends the machine's TCP or UDP sockets, both families; the system's own error if one table cannot be read.
    virtual int read_table(bool tcp, std::vector<table_row>& out) noexcept = 0;

    /// iphlpapi's persistent calls, ports in network byte order. -ERROR_PROC_NOT_FOUND where the system lacks them.
    virtual int create_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                                  std::uint64_t& token) noexcept = 0;
    virtual int delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count) noexcept = 0;
    virtual int look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                                   std::uint64_t& token) noexcept = 0;
};

/// A named kernel object's handle as the verbs above have it: sockets are such objects.
inline HANDLE handle_of(native_socket s) noexcept { return reinterpret_cast<HANDLE>(s); }

/// The real system.
class winsock_calls : public windows_calls {
public:
    native_socket socket(int family, int type, int protocol) noexcept override;
    int close(native_socket s) noexcept override;
    int bind(native_socket s, const sockaddr* address, int size) noexcept override;
    int listen(native_socket s, int backlog) noexcept override;
    native_socket accept(native_socket s) noexcept override;
    int shutdown(native_socket s, int how) noexcept override;
    int recv(native_socket s, void* data, int size) noexcept override;
    int getsockname(native_socket s, sockaddr_storage& name) noexcept override;
    int getpeername(native_socket s, sockaddr_storage& name) noexcept override;
    int getsockopt(native_socket s, int level, int name, void* value, int* size) noexcept override;
    int setsockopt(native_socket s, int level, int name, const void* value, int size) noexcept override;
    int set_blocking(native_socket s, bool blocking) noexcept override;
    int select_no_events(native_socket s) noexcept override;
    int ioctl(native_socket s, DWORD code, const void* in, DWORD in_size, void* out, DWORD out_size, DWORD& returned,
              OVERLAPPED* overlapped) noexcept override;
    int result(native_socket s, OVERLAPPED& overlapped, DWORD timeout_ms) noexcept override;
    int cancel(native_socket s, OVERLAPPED* overlapped) noexcept override;
    native_socket duplicate(native_socket s) noexcept override;
    int name(native_socket s, HANDLE& out) noexcept override;
    int let_go(HANDLE h) noexcept override;
    int same(HANDLE h, native_socket s) noexcept override;
    int count_handles(HANDLE h, std::uint32_t& out) noexcept override;
    int set_completion(native_socket s, HANDLE port, bool replaces) noexcept override;
    int make_completion_port(HANDLE& out) noexcept override;
    int fetch_completion(HANDLE port, OVERLAPPED*& out, DWORD timeout_ms) noexcept override;
    int post_completion(HANDLE port, OVERLAPPED* which) noexcept override;
    std::uint32_t build() noexcept override;
    std::uint32_t process() noexcept override;
    std::uint32_t network_compartment() noexcept override;
    int read_table(bool tcp, std::vector<table_row>& out) noexcept override;
    int create_persistent(bool tcp, std::uint16_t first, std::uint16_t count, std::uint64_t& token) noexcept override;
    int delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count) noexcept override;
    int look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                           std::uint64_t& token) noexcept override;
};

/// One object, for the program's life. Winsock is started by then.
windows_calls& real_windows_calls() noexcept;

}  // namespace berth::platform
