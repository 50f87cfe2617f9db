// See ipv4_face.hpp.
#include "ipv4_face.hpp"

#include "new_socket.hpp"
#include "user_memory.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace berth::compat {
namespace {

struct option {
    int level;
    int name;
    bool is_doubled;  // the system tells twice what it was told
};

constexpr option carried[] = {
    {SOL_SOCKET, SO_RCVBUF, true},     {SOL_SOCKET, SO_SNDBUF, true},    {SOL_SOCKET, SO_BROADCAST, false},
    {SOL_SOCKET, SO_KEEPALIVE, false}, {SOL_SOCKET, SO_LINGER, false},   {SOL_SOCKET, SO_OOBINLINE, false},
    {SOL_SOCKET, SO_RCVTIMEO, false},  {SOL_SOCKET, SO_SNDTIMEO, false}, {IPPROTO_TCP, TCP_NODELAY, false},
    {IPPROTO_IP, IP_TOS, false},       {IPPROTO_IP, IP_TTL, false},
};

void carry(int from, int to, const option& o) noexcept {
    alignas(8) char old[16] = {};
    alignas(8) char fresh[16] = {};
    socklen_t size = sizeof old;
    socklen_t fresh_size = sizeof fresh;
    if (::getsockopt(from, o.level, o.name, old, &size) != 0) return;
    if (::getsockopt(to, o.level, o.name, fresh, &fresh_size) != 0 || std::memcmp(old, fresh, sizeof old) == 0)
        return;
    if (o.is_doubled) {
        int value = 0;
        std::memcpy(&value, old, sizeof value);
        value /= 2;
        std::memcpy(old, &value, sizeof value);
    }
    ::setsockopt(to, o.level, o.name, old, size);
}

int number_of(int fd, int name) noexcept {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

int dual_stack_like(int fd) noexcept {
    if (number_of(fd, SO_DOMAIN) != AF_INET) return -1;
    sockaddr_in name{};
    socklen_t size = sizeof name;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0 || name.sin_port != 0) return -1;
    const int made = new_socket(AF_INET6, number_of(fd, SO_TYPE), number_of(fd, SO_PROTOCOL), true, false);
    if (made < 0) return -1;
    const int no = 0;
    ::setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    for (const auto& o : carried) carry(fd, made, o);
    ::fcntl(made, F_SETFL, ::fcntl(fd, F_GETFL));
    return made;
}

bool tell_as_ipv4(const sockaddr_storage& from, sockaddr* to, socklen_t* size) noexcept {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof v6);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = v6.sin6_port;
    if (v6.sin6_family == AF_INET) {
        std::memcpy(&v4, &from, sizeof v4);
    } else if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        std::memcpy(&v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
    } else if (!IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr)) {
        return false;
    }
    if (to != nullptr && size != nullptr) {
        const bool is_told = copy_out(to, &v4, std::min<std::size_t>(*size, sizeof v4));
        *size = sizeof v4;
        return is_told;
    }
    return true;
}

bool mapped(const sockaddr* address, int size, sockaddr_storage& to) noexcept {
    sockaddr_in v4{};
    if (size < static_cast<int>(sizeof v4) || !copy_in(&v4, address, sizeof v4) || v4.sin_family != AF_INET)
        return false;
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = v4.sin_port;
    v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
    std::memcpy(v6.sin6_addr.s6_addr + 12, &v4.sin_addr, 4);
    std::memcpy(&to, &v6, sizeof v6);
    return true;
}

}  // namespace berth::compat
