// The other socket calls: the system's, but for bind and closesocket of sockets that draw from a block.
#include "error_codes.hpp"
#include "ipv4_face.hpp"
#include "new_socket.hpp"
#include "open_sockets.hpp"
#include "operations.hpp"
#include "user_memory.hpp"

#include <berth/associate.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstring>

using namespace berth::compat;

namespace {

int answer(long result) {
    if (result < 0) return fail(winsock_code_of_errno(errno));
    return static_cast<int>(result);
}

/// An int as the length of an address, which the system counts in another type.
class address_size {
public:
    explicit address_size(int* theirs) noexcept : theirs_(theirs) {
        is_good_ = theirs == nullptr || copy_in(&given_, theirs, sizeof given_);
        size_ = given_ < 0 ? 0 : static_cast<socklen_t>(given_);
    }
    [[nodiscard]] bool is_good() const noexcept { return is_good_; }
    socklen_t* get() noexcept { return theirs_ == nullptr ? nullptr : &size_; }
    void tell() const noexcept {
        const int now = static_cast<int>(size_);
        if (theirs_ != nullptr && !copy_out(theirs_, &now, sizeof now)) fail(WSAEFAULT);
    }

private:
    int* theirs_;
    int given_ = 0;
    socklen_t size_ = 0;
    bool is_good_ = false;
};

template <class Call>
int name_of(SOCKET s, int* size, Call call) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    address_size length(size);
    if (!length.is_good() || size == nullptr) return fail(WSAEFAULT);
    const int result = answer(call(fd, length.get()));
    if (result == 0) length.tell();
    return result;
}

/// A name of a socket, asked for by the system's call; in IPv4 if the program takes the socket for such a one.
template <class Call>
int address_of(SOCKET s, sockaddr* address, int* size, Call call) {
    return name_of(s, size, [&](int fd, socklen_t* length) {
        if (!open_sockets::instance().has_ipv4_face(fd)) return call(fd, address, length);
        sockaddr_storage dual{};
        socklen_t dual_size = sizeof dual;
        const int result = call(fd, reinterpret_cast<sockaddr*>(&dual), &dual_size);
        if (result != 0 || tell_as_ipv4(dual, address, length)) return result;
        errno = EFAULT;
        return -1;
    });
}

/// The address as the socket takes it.
class given_address {
public:
    given_address(int fd, const sockaddr* address, int size) : address_(address), size_(size) {
        if (address == nullptr || !open_sockets::instance().has_ipv4_face(fd) || !mapped(address, size, dual_))
            return;
        address_ = reinterpret_cast<const sockaddr*>(&dual_);
        size_ = sizeof(sockaddr_in6);
    }
    [[nodiscard]] const sockaddr* get() const { return address_; }
    [[nodiscard]] socklen_t size() const { return static_cast<socklen_t>(size_); }

private:
    sockaddr_storage dual_{};
    const sockaddr* address_;
    int size_;
};

int receive_as_ipv4(int fd, char* buffer, int size, int flags, sockaddr* from, address_size& length) {
    for (;;) {
        sockaddr_storage dual{};
        socklen_t dual_size = sizeof dual;
        const int result = answer(::recvfrom(fd, buffer, static_cast<std::size_t>(size), flags,
                                             reinterpret_cast<sockaddr*>(&dual), &dual_size));
        if (result < 0) return result;
        if (dual_size == 0 || tell_as_ipv4(dual, from, length.get())) {
            length.tell();
            return result;
        }
        if ((flags & MSG_PEEK) != 0) ::recv(fd, buffer, 0, 0);  // of IPv6: not for this program
    }
}

// False: no address of IPv4 or IPv6.
bool endpoint_of(const sockaddr* address, int size, berth::bind_endpoint& endpoint) {
    sockaddr_in6 v6{};
    sockaddr_in v4{};
    sa_family_t family = 0;
    if (size < static_cast<int>(sizeof v4) || !copy_in(&v4, address, sizeof v4)) return false;
    family = v4.sin_family;
    if (family == AF_INET) {
        endpoint = {asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
        return true;
    }
    if (family != AF_INET6 || size < static_cast<int>(sizeof v6) || !copy_in(&v6, address, sizeof v6)) return false;
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    endpoint = {asio::ip::address_v6(bytes, v6.sin6_scope_id), ntohs(v6.sin6_port)};
    return true;
}

// So that a block ends with its socket and not ten milliseconds later: whoever names a token looks after it.
void look_after(const std::vector<berth::reservation_token>& tokens) {
    if (tokens.empty()) return;
    const int carrier = new_socket(AF_INET, SOCK_DGRAM, 0, true, false);
    if (carrier < 0) return;
    for (const auto token : tokens) {
        berth::error_code ignored;
        berth::associate(carrier, token, ignored);
    }
    ::close(carrier);
}

SOCKET made(int family, int type, int protocol, const void* info, DWORD flags) {
    if (info != nullptr || (flags & ~DWORD{WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT}) != 0) {
        fail(WSAEINVAL);
        return INVALID_SOCKET;
    }
    const int fd = new_socket(family, type, protocol, (flags & WSA_FLAG_OVERLAPPED) != 0,
                              (flags & WSA_FLAG_NO_HANDLE_INHERIT) == 0);
    return fd < 0 ? INVALID_SOCKET : static_cast<SOCKET>(fd);
}

template <class Number>
int control_socket(SOCKET s, long command, Number* argument) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    Number given = 0;
    if (!copy_in(&given, argument, sizeof given)) return fail(WSAEFAULT);
    if (command != FIONBIO && command != FIONREAD) return fail(WSAEINVAL);
    int number = given != 0 ? 1 : 0;
    const int result = answer(::ioctl(fd, static_cast<unsigned long>(command), &number));
    if (result == 0 && command == FIONREAD) *argument = static_cast<Number>(number);
    return result;
}

}  // namespace

extern "C" {

SOCKET WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP, DWORD flags) {
    return made(family, type, protocol, info, flags);
}
SOCKET WSASocketA(int family, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP, DWORD flags) {
    return made(family, type, protocol, info, flags);
}

int closesocket(SOCKET s) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    operations::instance().about_to_close(fd);
    const auto acquired = open_sockets::instance().closed(fd);
    berth::error_code ec;
    berth::give_back(fd, ec);  // closes, if a block lent the socket
    if (ec && ::close(fd) != 0) return answer(-1);
    look_after(acquired);
    return 0;
}

}  // extern "C"

int ioctlsocket(SOCKET s, long command, unsigned int* argument) { return control_socket(s, command, argument); }
int ioctlsocket(SOCKET s, long command, unsigned long* argument) { return control_socket(s, command, argument); }

namespace berth::compat {

int bind(SOCKET s, const sockaddr* address, int size) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    if (size < 0 || !can_read(address, static_cast<std::size_t>(size))) return fail(WSAEFAULT);
    berth::bind_endpoint endpoint;
    if (endpoint_of(address, size, endpoint)) {
        berth::error_code ec;
        berth::bind(fd, endpoint, ec);
        if (!ec) return 0;
        if (ec != berth::errc::not_associated && ec != berth::errc::operation_not_supported)
            return fail(winsock_code(ec));
    }
    const given_address here(fd, address, size);
    return answer(::bind(fd, here.get(), here.size()));
}

SOCKET accept(SOCKET s, sockaddr* address, int* size) {
    const int fd = descriptor_of(s);
    address_size length(size);
    if (fd < 0 || !length.is_good()) {
        fail(fd < 0 ? WSAENOTSOCK : WSAEFAULT);
        return INVALID_SOCKET;
    }
    auto& sockets = open_sockets::instance();
    const bool as_ipv4 = sockets.has_ipv4_face(fd);
    sockaddr_storage dual{};
    socklen_t dual_size = sizeof dual;
    int child = 0;
    for (;;) {
        child = answer(as_ipv4 ? ::accept(fd, reinterpret_cast<sockaddr*>(&dual), &dual_size)
                               : ::accept(fd, address, length.get()));
        if (child < 0) return INVALID_SOCKET;
        if (!as_ipv4 || tell_as_ipv4(dual, address, length.get())) break;
        ::close(child);  // of IPv6: not for this program
    }
    length.tell();
    sockets.made(child, sockets.is_overlapped(fd));
    sockets.has_ipv4_face(child, as_ipv4);
    return static_cast<SOCKET>(child);
}

int connect(SOCKET s, const sockaddr* address, int size) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    const given_address to(fd, address, size);
    return answer(size < 0 ? (errno = EFAULT, -1) : ::connect(fd, to.get(), to.size()));
}

int getsockname(SOCKET s, sockaddr* address, int* size) {
    return address_of(s, address, size,
                      [](int fd, sockaddr* to, socklen_t* length) { return ::getsockname(fd, to, length); });
}

int getpeername(SOCKET s, sockaddr* address, int* size) {
    return address_of(s, address, size,
                      [](int fd, sockaddr* to, socklen_t* length) { return ::getpeername(fd, to, length); });
}

int getsockopt(SOCKET s, int level, int name, char* value, int* size) {
    return name_of(s, size, [&](int fd, socklen_t* length) { return ::getsockopt(fd, level, name, value, length); });
}

int setsockopt(SOCKET s, int level, int name, const char* value, int size) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    return answer(size < 0 ? (errno = EFAULT, -1)
                           : ::setsockopt(fd, level, name, value, static_cast<socklen_t>(size)));
}

int listen(SOCKET s, int backlog) {
    const int fd = descriptor_of(s);
    return fd < 0 ? fail(WSAENOTSOCK) : answer(::listen(fd, backlog));
}

int shutdown(SOCKET s, int how) {
    const int fd = descriptor_of(s);
    return fd < 0 ? fail(WSAENOTSOCK) : answer(::shutdown(fd, how));
}

int receive(SOCKET s, char* buffer, int size, int flags, sockaddr* from, int* from_size) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    address_size length(from_size);
    if (size < 0 || !length.is_good()) return fail(WSAEFAULT);
    if (open_sockets::instance().has_ipv4_face(fd)) return receive_as_ipv4(fd, buffer, size, flags, from, length);
    const int result = answer(::recvfrom(fd, buffer, static_cast<std::size_t>(size), flags, from, length.get()));
    if (result >= 0) length.tell();
    return result;
}

int send(SOCKET s, const char* buffer, int size, int flags, const sockaddr* to, int to_size) {
    const int fd = descriptor_of(s);
    if (fd < 0) return fail(WSAENOTSOCK);
    if (size < 0 || to_size < 0) return fail(WSAEFAULT);
    const given_address where(fd, to, to_size);
    return answer(
        ::sendto(fd, buffer, static_cast<std::size_t>(size), flags | MSG_NOSIGNAL, where.get(), where.size()));
}

}  // namespace berth::compat
