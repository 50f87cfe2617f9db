// The documents' calls with all that they answer in one value, and sockets that close themselves.
//
// Every socket here is made and closed by the interface that is tested; what the kernel says of a port is asked by
// documents_sockets.hpp, without it.
#pragma once

#include <mstcpip.h>
#include <winsock2.h>

#include <cstdint>

#include "conformance/documents_sockets.hpp"

namespace compat_test {

class own_socket {
public:
    explicit own_socket(int type, int family = AF_INET) : socket_(::socket(family, type, 0)) {}
    explicit own_socket(SOCKET socket) : socket_(socket) {}
    own_socket(const own_socket&) = delete;
    own_socket& operator=(const own_socket&) = delete;
    ~own_socket() { close(); }
    operator SOCKET() const { return socket_; }
    [[nodiscard]] SOCKET get() const { return socket_; }
    int close() {
        const int result = socket_ == INVALID_SOCKET ? 0 : closesocket(socket_);
        socket_ = INVALID_SOCKET;
        return result;
    }
    [[nodiscard]] std::uint16_t port() const {
        sockaddr_in name{};
        int size = sizeof name;
        return getsockname(socket_, reinterpret_cast<SOCKADDR*>(&name), &size) == 0 ? ntohs(name.sin_port)
                                                                                    : std::uint16_t{0};
    }

private:
    SOCKET socket_;
};

inline SOCKET without_overlapped(int type) { return WSASocketW(AF_INET, type, 0, nullptr, 0, 0); }

struct answer {
    int result = 0;
    DWORD bytes = 0xDDDDDDDD;  // what a call does not set is seen
    int error = 0;             // of a failure
};

inline answer control(SOCKET s, DWORD code, void* in, DWORD in_size, void* out, DWORD out_size,
                      LPWSAOVERLAPPED overlapped = nullptr, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr) {
    answer a;
    WSASetLastError(0);
    a.result = WSAIoctl(s, code, in, in_size, out, out_size, &a.bytes, overlapped, routine);
    a.error = a.result == 0 ? 0 : WSAGetLastError();
    return a;
}

struct block {
    std::uint16_t first = 0;  // host byte order
    std::uint16_t count = 0;
    INET_PORT_RESERVATION_TOKEN token{};
    answer from{};
};

inline block acquire(SOCKET s, std::uint16_t count, std::uint16_t first = 0) {
    INET_PORT_RANGE range{htons(first), count};
    INET_PORT_RESERVATION_INSTANCE instance{};
    block b;
    b.from = control(s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &instance, sizeof instance);
    b.first = ntohs(instance.Reservation.StartPort);
    b.count = instance.Reservation.NumberOfPorts;
    b.token = instance.Token;
    return b;
}

inline answer by_token(SOCKET s, DWORD code, INET_PORT_RESERVATION_TOKEN token, LPWSAOVERLAPPED overlapped = nullptr,
                       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine = nullptr) {
    return control(s, code, &token, sizeof token, nullptr, 0, overlapped, routine);
}
inline answer associate(SOCKET s, INET_PORT_RESERVATION_TOKEN token) {
    return by_token(s, SIO_ASSOCIATE_PORT_RESERVATION, token);
}
inline answer release(SOCKET s, INET_PORT_RESERVATION_TOKEN token) {
    return by_token(s, SIO_RELEASE_PORT_RESERVATION, token);
}

/// 0, or the error.
inline int bind_to(SOCKET s, std::uint16_t port = 0) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    return bind(s, reinterpret_cast<SOCKADDR*>(&name), sizeof name) == 0 ? 0 : WSAGetLastError();
}

}  // namespace compat_test
