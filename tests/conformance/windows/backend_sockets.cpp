// Windows': see backend_sockets.hpp.
//
// A call can be made not to wait by the socket's mode alone, and nobody can ask for that: so what waits here polls
// first, and what must not wait changes the mode for good.
#include "conformance/backend_sockets.hpp"

#include <tlhelp32.h>

#include <cstring>

namespace backend_suite {
namespace {

ip_address loopback(int family) {
    ip_address a;
    if (family == AF_INET) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::memcpy(&a.storage, &in, a.size = sizeof(in));
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_addr = in6addr_loopback;
        std::memcpy(&a.storage, &in, a.size = sizeof(in));
    }
    return a;
}

struct winsock {
    winsock() {
        WSADATA facts;
        (void)::WSAStartup(MAKEWORD(2, 2), &facts);
    }
};

SOCKET socket_of(int fd) { return static_cast<SOCKET>(static_cast<std::intptr_t>(fd)); }

descriptor made(int family, int type) {
    static const winsock started;
    return descriptor(static_cast<int>(
        ::WSASocketW(family, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)));
}

void wait_no_more(int fd) {
    u_long on = 1;
    ::ioctlsocket(socket_of(fd), static_cast<long>(FIONBIO), &on);
}

descriptor bound(int family, int type) {
    auto d = made(family, type);
    const auto a = loopback(family);
    if (::bind(socket_of(d.fd()), a.get(), a.size) != 0) d.close();
    return d;
}

bool wait_for(int fd, short events) {
    WSAPOLLFD p{socket_of(fd), events, 0};
    return ::WSAPoll(&p, 1, 5000) == 1;
}

}  // namespace

void descriptor::close() noexcept {
    if (fd_ >= 0) ::closesocket(socket_of(fd_));
    fd_ = -1;
}

void descriptor::reset_connection() noexcept {
    const linger at_once{1, 0};
    ::setsockopt(socket_of(fd_), SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once), sizeof(at_once));
    close();
}

std::string ip_address::text() const {
    char name[INET6_ADDRSTRLEN] = "?";
    if (storage.ss_family == AF_INET) {
        const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
        ::inet_ntop(AF_INET, &in.sin_addr, name, sizeof(name));
        return std::string(name) + ':' + std::to_string(ntohs(in.sin_port));
    }
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    ::inet_ntop(AF_INET6, &in.sin6_addr, name, sizeof(name));
    return std::string(name) + ':' + std::to_string(ntohs(in.sin6_port));
}

ip_address local_address(const descriptor& d) {
    ip_address a;
    a.size = sizeof(a.storage);
    ::getsockname(socket_of(d.fd()), reinterpret_cast<sockaddr*>(&a.storage), &a.size);
    return a;
}

ip_address nobodys_address(int type) { return local_address(bound(AF_INET, type)); }

descriptor listener(int backlog, int family) {
    auto d = bound(family, SOCK_STREAM);
    ::listen(socket_of(d.fd()), backlog);
    return d;
}

descriptor datagram_socket(int family) { return bound(family, SOCK_DGRAM); }

descriptor new_stream(int family) { return made(family, SOCK_STREAM); }

descriptor connected_to(const ip_address& address, int type) {
    auto d = made(address.storage.ss_family, type);
    if (::connect(socket_of(d.fd()), address.get(), address.size) != 0) d.close();
    return d;
}

stream_pair connected_pair() {
    const auto door = listener(1);
    stream_pair p;
    p.here = connected_to(local_address(door));
    p.there = next_client(door);
    return p;
}

bool say(const descriptor& from, const std::string& bytes) {
    std::size_t said = 0;
    do {
        if (!wait_for(from.fd(), POLLWRNORM)) return false;
        const int n = ::send(socket_of(from.fd()), bytes.data() + said, static_cast<int>(bytes.size() - said), 0);
        if (n < 0 && ::WSAGetLastError() != WSAEWOULDBLOCK) return false;
        if (n > 0) said += static_cast<std::size_t>(n);
    } while (said < bytes.size());
    return true;
}

bool say_to(const descriptor& from, const std::string& bytes, const ip_address& to) {
    return ::sendto(socket_of(from.fd()), bytes.data(), static_cast<int>(bytes.size()), 0, to.get(), to.size) ==
           static_cast<int>(bytes.size());
}

std::string hear(const descriptor& at, std::size_t most) {
    std::string bytes(most, '\0');
    if (!wait_for(at.fd(), POLLRDNORM)) return "nothing came";
    const int n = ::recv(socket_of(at.fd()), bytes.data(), static_cast<int>(bytes.size()), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
}

std::string hear_all(const descriptor& at, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) {
        const auto part = hear(at, bytes - all.size());
        if (part.empty() || part == "nothing came") break;
        all += part;
    }
    return all;
}

bool is_open(int fd) {
    DWORD flags = 0;
    return ::GetHandleInformation(reinterpret_cast<HANDLE>(socket_of(fd)), &flags) != 0;
}

long say_what_fits(const descriptor& from, const std::string& bytes, std::size_t from_byte) {
    wait_no_more(from.fd());
    return ::send(socket_of(from.fd()), bytes.data() + from_byte, static_cast<int>(bytes.size() - from_byte), 0);
}

std::string take_what_is_there(const descriptor& at, std::size_t most) {
    wait_no_more(at.fd());
    std::string bytes(most, '\0');
    const int n = ::recv(socket_of(at.fd()), bytes.data(), static_cast<int>(bytes.size()), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
}

descriptor start_connecting(const ip_address& address) {
    auto d = made(address.storage.ss_family, SOCK_STREAM);
    wait_no_more(d.fd());
    (void)::connect(socket_of(d.fd()), address.get(), address.size);
    return d;
}

descriptor next_client(const descriptor& door) {
    if (!wait_for(door.fd(), POLLRDNORM)) return descriptor();
    return descriptor(static_cast<int>(::accept(socket_of(door.fd()), nullptr, nullptr)));
}

stream_pair local_pair() { return connected_pair(); }

// What TCP moves a little later is waited for.
void fill(const descriptor& stream) {
    const std::string much(1 << 20, 'm');
    for (bool moved = true; moved;) {
        moved = false;
        while (say_what_fits(stream, much) > 0) moved = true;
        ::Sleep(moved ? 300 : 0);
    }
}

void set_send_buffer(const descriptor& d, int bytes) {
    ::setsockopt(socket_of(d.fd()), SOL_SOCKET, SO_SNDBUF, reinterpret_cast<const char*>(&bytes), sizeof(bytes));
}

void end_both_ways(const descriptor& d) { ::shutdown(socket_of(d.fd()), SD_BOTH); }

bool becomes_readable(int fd, std::chrono::milliseconds limit) {
    WSAPOLLFD waited{socket_of(fd), POLLRDNORM, 0};
    return ::WSAPoll(&waited, 1, static_cast<int>(limit.count())) == 1;
}

void close_number(int fd) { ::closesocket(socket_of(fd)); }

bool is_kept_from_children(int fd) {
    DWORD flags = 0;
    return ::GetHandleInformation(reinterpret_cast<HANDLE>(socket_of(fd)), &flags) != 0 &&
           (flags & HANDLE_FLAG_INHERIT) == 0;
}

bool is_non_blocking(const descriptor& unread_stream) {
    char byte = 0;
    return ::recv(socket_of(unread_stream.fd()), &byte, 1, 0) < 0 && ::WSAGetLastError() == WSAEWOULDBLOCK;
}

std::map<std::string, int> facts_of(int fd) {
    std::map<std::string, int> facts{{"is inherited", !is_kept_from_children(fd)}};
    for (const int option : {SO_REUSEADDR, SO_EXCLUSIVEADDRUSE, SO_RCVBUF, SO_SNDBUF, SO_KEEPALIVE, SO_OOBINLINE,
                             SO_ERROR}) {
        int value = 0, size = sizeof(value);
        ::getsockopt(socket_of(fd), SOL_SOCKET, option, reinterpret_cast<char*>(&value), &size);
        facts["option " + std::to_string(option)] = value;
    }
    int no_delay = 0, size = sizeof(no_delay);
    ::getsockopt(socket_of(fd), IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<char*>(&no_delay), &size);
    facts["no delay"] = no_delay;
    return facts;
}

int threads_of_this_process() {
    const HANDLE all = ::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 one{};
    one.dwSize = sizeof one;
    int count = 0;
    for (BOOL more = ::Thread32First(all, &one); more; more = ::Thread32Next(all, &one)) {
        if (one.th32OwnerProcessID == ::GetCurrentProcessId()) ++count;
    }
    ::CloseHandle(all);
    return count;
}

no_sockets::no_sockets() {
    HANDLE in = nullptr, out = nullptr;
    (void)::CreatePipe(&in, &out, nullptr, 0);
    const HANDLE event = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    const HANDLE once = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    for (const HANDLE h : {in, out, event}) open.push_back(static_cast<int>(reinterpret_cast<std::intptr_t>(h)));
    nothing = {static_cast<int>(reinterpret_cast<std::intptr_t>(once)), -1};
    ::CloseHandle(once);
}

no_sockets::~no_sockets() {
    for (const int fd : open) ::CloseHandle(reinterpret_cast<HANDLE>(socket_of(fd)));
}

static bool is_wine() { return ::GetProcAddress(::GetModuleHandleA("ntdll.dll"), "wine_get_version") != nullptr; }

namespace lacks {
const char* const refused_datagrams = is_wine() ? "Wine tells no UDP socket of an ICMP error" : nullptr;
}

namespace number {
const int connection_reset = WSAECONNRESET, connection_refused = WSAECONNREFUSED, ended = WSAECONNRESET,
          message_size = WSAEMSGSIZE, is_connected = WSAEISCONN, invalid = WSAEINVAL, not_supported = WSAEOPNOTSUPP,
          not_a_socket = WSAENOTSOCK, bad_descriptor = ERROR_INVALID_HANDLE;
const int receive_unconnected = WSAENOTCONN, send_unconnected = is_wine() ? WSAECONNRESET : WSAENOTCONN;
const int datagram_refused = WSAECONNRESET;
}  // namespace number

}  // namespace backend_suite
