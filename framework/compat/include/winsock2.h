// <winsock2.h> as far as the documents need it: sockets, WSAIoctl, overlapped calls and their events.
//
// Addresses are the system's own structures, whose layout is that of Windows; so are the numbers of families, types
// and protocols, of which AF_INET6 is another one there. Functions that exist in both worlds with other types are
// overloads for a SOCKET, so that no macro stands in the way of a member called bind. A SOCKET is a file descriptor.
#pragma once

#include "windows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

typedef UINT_PTR SOCKET;
typedef unsigned int GROUP;
typedef HANDLE WSAEVENT;
typedef WSAEVENT* LPWSAEVENT;
typedef OVERLAPPED WSAOVERLAPPED, *LPWSAOVERLAPPED;
typedef void(CALLBACK* LPWSAOVERLAPPED_COMPLETION_ROUTINE)(DWORD error, DWORD bytes, LPWSAOVERLAPPED overlapped,
                                                           DWORD flags);
typedef struct sockaddr SOCKADDR, *PSOCKADDR, *LPSOCKADDR;
typedef struct sockaddr_in SOCKADDR_IN, *PSOCKADDR_IN, *LPSOCKADDR_IN;
typedef struct sockaddr_storage SOCKADDR_STORAGE, *PSOCKADDR_STORAGE, *LPSOCKADDR_STORAGE;
typedef struct in_addr IN_ADDR, *PIN_ADDR, *LPIN_ADDR;
typedef struct _WSAPROTOCOL_INFOW WSAPROTOCOL_INFOW, *LPWSAPROTOCOL_INFOW;  // never filled: pass NULL
typedef struct _WSAPROTOCOL_INFOA WSAPROTOCOL_INFOA, *LPWSAPROTOCOL_INFOA;

#define INVALID_SOCKET ((SOCKET)(~0))
#define SOCKET_ERROR (-1)
#define WSA_INVALID_EVENT ((WSAEVENT)0)
#define SD_RECEIVE 0
#define SD_SEND 1
#define SD_BOTH 2

#define WSADESCRIPTION_LEN 256
#define WSASYS_STATUS_LEN 128
typedef struct WSAData {
    WORD wVersion;
    WORD wHighVersion;
    unsigned short iMaxSockets;
    unsigned short iMaxUdpDg;
    char* lpVendorInfo;
    char szDescription[WSADESCRIPTION_LEN + 1];
    char szSystemStatus[WSASYS_STATUS_LEN + 1];
} WSADATA, *LPWSADATA;

#define WSA_INVALID_HANDLE ERROR_INVALID_HANDLE
#define WSA_NOT_ENOUGH_MEMORY ERROR_NOT_ENOUGH_MEMORY
#define WSA_INVALID_PARAMETER ERROR_INVALID_PARAMETER
#define WSA_OPERATION_ABORTED ERROR_OPERATION_ABORTED
#define WSA_IO_INCOMPLETE ERROR_IO_INCOMPLETE
#define WSA_IO_PENDING ERROR_IO_PENDING
#define WSAEINTR 10004
#define WSAEBADF 10009
#define WSAEACCES 10013
#define WSAEFAULT 10014
#define WSAEINVAL 10022
#define WSAEMFILE 10024
#define WSAEWOULDBLOCK 10035
#define WSAEINPROGRESS 10036
#define WSAEALREADY 10037
#define WSAENOTSOCK 10038
#define WSAEDESTADDRREQ 10039
#define WSAEMSGSIZE 10040
#define WSAEPROTOTYPE 10041
#define WSAENOPROTOOPT 10042
#define WSAEPROTONOSUPPORT 10043
#define WSAESOCKTNOSUPPORT 10044
#define WSAEOPNOTSUPP 10045
#define WSAEPFNOSUPPORT 10046
#define WSAEAFNOSUPPORT 10047
#define WSAEADDRINUSE 10048
#define WSAEADDRNOTAVAIL 10049
#define WSAENETDOWN 10050
#define WSAENETUNREACH 10051
#define WSAECONNABORTED 10053
#define WSAECONNRESET 10054
#define WSAENOBUFS 10055
#define WSAEISCONN 10056
#define WSAENOTCONN 10057
#define WSAESHUTDOWN 10058
#define WSAETIMEDOUT 10060
#define WSAECONNREFUSED 10061
#define WSAEHOSTUNREACH 10065
#define WSAVERNOTSUPPORTED 10092
#define WSANOTINITIALISED 10093
#define WSASYSCALLFAILURE 10107

#define WSA_FLAG_OVERLAPPED 0x01
#define WSA_FLAG_NO_HANDLE_INHERIT 0x80

#undef IOC_IN  // the system has macros of these names for drivers of its own
#undef IOC_OUT
#undef IOC_INOUT
#define IOC_VOID 0x20000000u
#define IOC_OUT 0x40000000u
#define IOC_IN 0x80000000u
#define IOC_INOUT (IOC_IN | IOC_OUT)
#define IOC_UNIX 0x00000000u
#define IOC_WS2 0x08000000u
#define IOC_PROTOCOL 0x10000000u
#define IOC_VENDOR 0x18000000u
#define _WSAIO(family, code) (IOC_VOID | (family) | (code))
#define _WSAIOR(family, code) (IOC_OUT | (family) | (code))
#define _WSAIOW(family, code) (IOC_IN | (family) | (code))
#define _WSAIORW(family, code) (IOC_INOUT | (family) | (code))
#define SIO_FLUSH _WSAIO(IOC_WS2, 4)

#define WSA_INFINITE INFINITE
#define WSA_WAIT_EVENT_0 WAIT_OBJECT_0
#define WSA_WAIT_IO_COMPLETION WAIT_IO_COMPLETION
#define WSA_WAIT_TIMEOUT WAIT_TIMEOUT
#define WSA_WAIT_FAILED WAIT_FAILED
#define WSA_MAXIMUM_WAIT_EVENTS MAXIMUM_WAIT_OBJECTS

extern "C" {

int WSAStartup(WORD version, LPWSADATA data);
int WSACleanup(void);
int WSAGetLastError(void);
void WSASetLastError(int error);

SOCKET WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group, DWORD flags);
SOCKET WSASocketA(int family, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP group, DWORD flags);

/// The three operations of the documents, and SIO_FLUSH. Everything that they say of it is in README.md beside these
/// headers, row by row.
int WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size, LPDWORD bytes_returned,
             LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

BOOL WSAGetOverlappedResult(SOCKET s, LPWSAOVERLAPPED overlapped, LPDWORD bytes, BOOL wait, LPDWORD flags);

/// Events stay set until they are reset, and can be waited for by any number of threads.
WSAEVENT WSACreateEvent(void);
BOOL WSACloseEvent(WSAEVENT event);
BOOL WSASetEvent(WSAEVENT event);
BOOL WSAResetEvent(WSAEVENT event);
DWORD WSAWaitForMultipleEvents(DWORD count, const WSAEVENT* events, BOOL all, DWORD milliseconds, BOOL alertable);

int closesocket(SOCKET s);

// The system's function under another name in the binary: it makes a socket with the overlapped attribute, and the
// cause of a failure is in WSAGetLastError as well.
int socket(int family, int type, int protocol) noexcept __asm__("berth_compat_socket");

}  // extern "C"

#ifdef UNICODE
#define WSASocket WSASocketW
#else
#define WSASocket WSASocketA
#endif

namespace berth {
namespace compat {

SOCKET accept(SOCKET s, struct sockaddr* address, int* address_size);
int bind(SOCKET s, const struct sockaddr* address, int address_size);
int connect(SOCKET s, const struct sockaddr* address, int address_size);
int getpeername(SOCKET s, struct sockaddr* address, int* address_size);
int getsockname(SOCKET s, struct sockaddr* address, int* address_size);
int getsockopt(SOCKET s, int level, int name, char* value, int* value_size);
int setsockopt(SOCKET s, int level, int name, const char* value, int value_size);
int listen(SOCKET s, int backlog);
int shutdown(SOCKET s, int how);
int receive(SOCKET s, char* buffer, int size, int flags, struct sockaddr* from, int* from_size);
int send(SOCKET s, const char* buffer, int size, int flags, const struct sockaddr* to, int to_size);

// Only what is a SOCKET takes this way; an int is a descriptor, and the system's function is meant.
template <class Socket, class Result = int>
using for_sockets = typename std::enable_if<std::is_same<Socket, SOCKET>::value, Result>::type;

}  // namespace compat
}  // namespace berth

int ioctlsocket(SOCKET s, long command, unsigned int* argument);   // FIONBIO, FIONREAD
int ioctlsocket(SOCKET s, long command, unsigned long* argument);  // a u_long of Linux has 64 bits

template <class Socket>
berth::compat::for_sockets<Socket, SOCKET> accept(Socket s, struct sockaddr* address, int* address_size) {
    return berth::compat::accept(s, address, address_size);
}
template <class Socket>
berth::compat::for_sockets<Socket> bind(Socket s, const struct sockaddr* address, int address_size) {
    return berth::compat::bind(s, address, address_size);
}
template <class Socket>
berth::compat::for_sockets<Socket> connect(Socket s, const struct sockaddr* address, int address_size) {
    return berth::compat::connect(s, address, address_size);
}
template <class Socket>
berth::compat::for_sockets<Socket> getpeername(Socket s, struct sockaddr* address, int* address_size) {
    return berth::compat::getpeername(s, address, address_size);
}
template <class Socket>
berth::compat::for_sockets<Socket> getsockname(Socket s, struct sockaddr* address, int* address_size) {
    return berth::compat::getsockname(s, address, address_size);
}
template <class Socket>
berth::compat::for_sockets<Socket> getsockopt(Socket s, int level, int name, char* value, int* value_size) {
    return berth::compat::getsockopt(s, level, name, value, value_size);
}
template <class Socket>
berth::compat::for_sockets<Socket> setsockopt(Socket s, int level, int name, const char* value, int value_size) {
    return berth::compat::setsockopt(s, level, name, value, value_size);
}
template <class Socket>
berth::compat::for_sockets<Socket> listen(Socket s, int backlog) {
    return berth::compat::listen(s, backlog);
}
template <class Socket>
berth::compat::for_sockets<Socket> shutdown(Socket s, int how) {
    return berth::compat::shutdown(s, how);
}
// The size may have any type that becomes an int: the system's functions take a size_t.
template <class Socket, class Size>
berth::compat::for_sockets<Socket> recv(Socket s, char* buffer, Size size, int flags) {
    return berth::compat::receive(s, buffer, static_cast<int>(size), flags, nullptr, nullptr);
}
template <class Socket, class Size>
berth::compat::for_sockets<Socket> recvfrom(Socket s, char* buffer, Size size, int flags, struct sockaddr* from,
                                            int* from_size) {
    return berth::compat::receive(s, buffer, static_cast<int>(size), flags, from, from_size);
}
template <class Socket, class Size>
berth::compat::for_sockets<Socket> send(Socket s, const char* buffer, Size size, int flags) {
    return berth::compat::send(s, buffer, static_cast<int>(size), flags, nullptr, 0);
}
template <class Socket, class Size, class AddressSize>
berth::compat::for_sockets<Socket> sendto(Socket s, const char* buffer, Size size, int flags,
                                          const struct sockaddr* to, AddressSize to_size) {
    return berth::compat::send(s, buffer, static_cast<int>(size), flags, to, static_cast<int>(to_size));
}
