// What the tests of the documents' system share: a machine, a process on it, and the three calls in short.
#pragma once

#include "conformance/windows/documents_system.hpp"
#include "conformance/windows/winsock_traffic.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace documents {

struct answer {
    int error = 0;  // as WSAGetLastError would have it
    DWORD returned = 0;
    std::uint16_t first = 0, count = 0;
    std::uint64_t token = 0;
};

class machine_ground : public testing::Test {
protected:
    using socket_type = provider_contract::winsock_socket;

    static native_socket number(const socket_type& s) { return static_cast<native_socket>(*s); }
    static socket_type udp() { return provider_contract::make_winsock_socket(AF_INET, SOCK_DGRAM); }
    static socket_type tcp() { return provider_contract::make_winsock_socket(AF_INET, SOCK_STREAM); }

    answer acquire(native_socket s, std::uint16_t count, std::uint16_t first = 0) {
        return acquire_in(here, s, count, first);
    }
    static answer acquire_in(documents_system& process, native_socket s, std::uint16_t count,
                             std::uint16_t first = 0) {
        const INET_PORT_RANGE range{htons(first), count};
        INET_PORT_RESERVATION_INSTANCE got{};
        answer a{.returned = 77};
        a.error = -process.ioctl(s, SIO_ACQUIRE_PORT_RESERVATION, &range, sizeof range, &got, sizeof got, a.returned,
                                 nullptr);
        a.first = ntohs(got.Reservation.StartPort), a.count = got.Reservation.NumberOfPorts,
        a.token = got.Token.Token;
        return a;
    }
    static answer with_token(documents_system& process, DWORD code, native_socket s, std::uint64_t token) {
        answer a{.returned = 77};
        a.error = -process.ioctl(s, code, &token, sizeof token, nullptr, 0, a.returned, nullptr);
        return a;
    }
    answer associate(native_socket s, std::uint64_t token) {
        return with_token(here, SIO_ASSOCIATE_PORT_RESERVATION, s, token);
    }
    answer release(native_socket s, std::uint64_t token) {
        return with_token(here, SIO_RELEASE_PORT_RESERVATION, s, token);
    }
    /// 0 or the error; 0 is the port asked for.
    int bind(native_socket s, std::uint16_t port = 0) {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_port = htons(port);
        return -here.bind(s, reinterpret_cast<const sockaddr*>(&any), sizeof any);
    }
    /// A stranger's word.
    bool is_free(int type, std::uint16_t port) {
        machine.sweep();
        const auto s = provider_contract::make_winsock_socket(AF_INET, type);
        return provider_contract::bind_to(*s, AF_INET, false, port) == 0;
    }

    documents_machine machine;
    documents_system here{machine};
};

}  // namespace documents
