// Sending and looking for what was sent; see winsock_traffic.hpp.
#include "conformance/windows/winsock_traffic.hpp"

#include "platform/windows/winsock_address.hpp"

#include <gtest/gtest.h>

namespace provider_contract {

using berth::address_family;
using berth::platform::make_address;
using berth::platform::port_kind;

namespace {

constexpr int soon = 3000;  // milliseconds

asio::ip::address loopback_of(int family, bool is_mapped) {
    if (family == AF_INET) return asio::ip::address_v4::loopback();
    return is_mapped
               ? asio::ip::address(asio::ip::make_address_v6(asio::ip::v4_mapped, asio::ip::address_v4::loopback()))
               : asio::ip::address(asio::ip::address_v6::loopback());
}

std::uint16_t remote_port(SOCKET s) {
    sockaddr_storage name{};
    int size = sizeof name;
    if (::getpeername(s, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
    return berth::platform::port_of(name);
}

void end_by_reset(SOCKET s) {
    const linger at_once{1, 0};
    EXPECT_EQ(::setsockopt(s, SOL_SOCKET, SO_LINGER, reinterpret_cast<const char*>(&at_once), sizeof at_once), 0);
}

std::string error_text(const char* call) {
    return std::string(call) + ": " + std::to_string(::WSAGetLastError()) + "; ";
}

}  // namespace

winsock_socket make_winsock_socket(int family, int type, bool only_ipv6) {
    winsock_socket s(
        ::WSASocketW(family, type, type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP, nullptr, 0, WSA_FLAG_OVERLAPPED));
    EXPECT_TRUE(s) << error_text("WSASocket");
    const DWORD only = only_ipv6 ? 1 : 0;
    if (family == AF_INET6) {
        ::setsockopt(*s, IPPROTO_IPV6, IPV6_V6ONLY, reinterpret_cast<const char*>(&only), sizeof only);
    }
    return s;
}

int bind_to(SOCKET s, int family, bool loopback, std::uint16_t port) {
    const auto address = make_address(family, loopback ? loopback_of(family, false) : asio::ip::address(), port);
    return ::bind(s, address.data(), address.size) == 0 ? 0 : ::WSAGetLastError();
}

std::uint16_t local_port(SOCKET s) {
    sockaddr_storage name{};
    int size = sizeof name;
    return ::getsockname(s, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? berth::platform::port_of(name)
                                                                            : std::uint16_t{0};
}

bool becomes_readable(SOCKET s, int milliseconds) {
    fd_set readable;
    FD_ZERO(&readable);
    readable.fd_count = 1;
    readable.fd_array[0] = s;
    timeval patience{milliseconds / 1000, milliseconds % 1000 * 1000};
    return ::select(0, &readable, nullptr, nullptr, &patience) == 1;
}

winsock_traffic::winsock_traffic(port_kind kind, address_family family)
    : kind_(kind), is_mapped_(family == address_family::dual) {
    if (family != address_family::ipv6) speakers_.push_back(AF_INET);
    if (family != address_family::ipv4) speakers_.push_back(AF_INET6);
}

void winsock_traffic::say(int family, std::uint16_t port, const std::string& text) {
    const auto stranger = make_winsock_socket(family, SOCK_DGRAM);
    const auto to = make_address(family, loopback_of(family, false), port);
    const int size = static_cast<int>(text.size());
    EXPECT_EQ(::sendto(*stranger, text.data(), size, 0, to.data(), to.size), size) << error_text("sendto");
}

winsock_socket winsock_traffic::call(int family, std::uint16_t port) {
    auto caller = make_winsock_socket(family, SOCK_STREAM);
    const auto to = make_address(family, loopback_of(family, false), port);
    end_by_reset(*caller);
    EXPECT_EQ(::connect(*caller, to.data(), to.size), 0) << error_text("connect");
    return caller;
}

std::uint32_t winsock_traffic::leave_unread(SOCKET session, std::uint16_t port) {
    std::uint32_t left = 0;
    for (const int family : speakers_) {
        if (kind_ == port_kind::udp) {
            for (const char* text : {"unread", "", "unread too"}) say(family, port, text), ++left;
        } else if (kind_ == port_kind::tcp_listen) {
            for (int i = 0; i < 2; ++i) waiting_.push_back(call(family, port)), ++left;
        }
    }
    if (kind_ == port_kind::tcp_connect) {
        EXPECT_EQ(reaches_server(session, speakers_[turn_++ % speakers_.size()], port, true), "");
    } else {
        EXPECT_TRUE(becomes_readable(session, soon));
    }
    return left;
}

std::string winsock_traffic::hears(SOCKET session, std::uint16_t port) {
    if (kind_ == port_kind::tcp_connect) {  // one connection is all that a socket has before it is parked again
        return reaches_server(session, speakers_[turn_++ % speakers_.size()], port, false);
    }
    std::string complaint;
    for (const int family : speakers_) {
        complaint +=
            kind_ == port_kind::udp ? hears_datagram(session, family, port) : serves_client(session, family, port);
    }
    return complaint;
}

std::string winsock_traffic::hears_datagram(SOCKET session, int family, std::uint16_t port) {
    const std::string text = "datagram " + std::to_string(++turn_);
    say(family, port, text);
    if (!becomes_readable(session, soon)) return "no datagram came; ";
    char found[64];
    const int n = ::recv(session, found, sizeof found, 0);
    if (n < 0) return error_text("recv");
    const std::string first(found, static_cast<std::size_t>(n));
    return first == text ? "" : "found '" + first + "' before '" + text + "'; ";
}

std::string winsock_traffic::serves_client(SOCKET session, int family, std::uint16_t port) {
    const auto caller = call(family, port);
    if (!becomes_readable(session, soon)) return "no client came; ";
    const winsock_socket served(::accept(session, nullptr, nullptr));
    if (!served) return error_text("accept");
    end_by_reset(*served);
    return remote_port(*served) == local_port(*caller) ? "" : "another client was queued before; ";
}

std::string winsock_traffic::reaches_server(SOCKET session, int family, std::uint16_t port, bool stay) {
    const auto server = make_winsock_socket(family, SOCK_STREAM, true);
    if (bind_to(*server, family, true, 0) != 0 || ::listen(*server, 4) != 0) return error_text("server");
    const int from = is_mapped_ ? AF_INET6 : family;
    const auto to = make_address(from, loopback_of(from, family == AF_INET), local_port(*server));
    if (::connect(session, to.data(), to.size) != 0 && ::WSAGetLastError() != WSAEWOULDBLOCK) {
        return error_text("connect");
    }
    if (!becomes_readable(*server, soon)) return "the server saw no connection; ";
    winsock_socket served(::accept(*server, nullptr, nullptr));
    if (remote_port(*served) != port) return "the connection comes from another port; ";
    if (::send(*served, "!", 1, 0) != 1 || !becomes_readable(session, soon)) return "nothing came back; ";
    end_by_reset(*served);
    char found = 0;
    if (stay) {
        waiting_.push_back(std::move(served));
    } else if (::recv(session, &found, 1, 0) != 1 || found != '!') {
        return "something else was found; ";
    }
    return {};
}

std::string winsock_traffic::leaves_something(SOCKET session, std::uint16_t port) {
    for (const int family : speakers_) {
        if (kind_ == port_kind::udp) say(family, port, "to nobody");
        if (kind_ == port_kind::tcp_listen) waiting_.push_back(call(family, port));
    }
    if (kind_ != port_kind::tcp_connect) return becomes_readable(session, soon) ? "" : "nothing came";
    char found = 0;
    if (remote_port(session) != 0) return "it is connected";
    if (::recv(session, &found, 1, 0) != SOCKET_ERROR || ::WSAGetLastError() != WSAENOTCONN) {
        return "it has something to read";
    }
    return {};
}

}  // namespace provider_contract
