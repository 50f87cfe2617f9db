// Packets of strangers on loopback under Windows, for one kind of session socket and one family.
//
// Nothing here calls berth. A complaint is a sentence; empty means that all was as it should be. Connections end by a
// reset, so that nobody's TIME_WAIT is left on the port under test.
#pragma once

#include "platform/port_provider.hpp"
#include "platform/windows/windows_calls.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace provider_contract {

/// Closes what it holds.
class winsock_socket {
public:
    explicit winsock_socket(SOCKET s = INVALID_SOCKET) : s_(s) {}
    winsock_socket(winsock_socket&& other) noexcept : s_(std::exchange(other.s_, INVALID_SOCKET)) {}
    winsock_socket& operator=(winsock_socket&& other) noexcept {
        std::swap(s_, other.s_);
        return *this;
    }
    ~winsock_socket() {
        if (s_ != INVALID_SOCKET) ::closesocket(s_);
    }
    explicit operator bool() const { return s_ != INVALID_SOCKET; }
    SOCKET operator*() const { return s_; }
    SOCKET let_go() { return std::exchange(s_, INVALID_SOCKET); }

private:
    SOCKET s_;
};

winsock_socket make_winsock_socket(int family, int type, bool only_ipv6 = false);
/// 0, or the error.
int bind_to(SOCKET s, int family, bool loopback, std::uint16_t port);
std::uint16_t local_port(SOCKET s);
bool becomes_readable(SOCKET s, int milliseconds);

class winsock_traffic {
public:
    winsock_traffic(berth::platform::port_kind kind, berth::address_family family);

    std::uint32_t leave_unread(SOCKET session, std::uint16_t port);
    std::string hears(SOCKET session, std::uint16_t port);
    /// A parked socket is emptied at take. So something is sent that is there before the take; that the take does
    /// throw it away is what the next hears() finds.
    std::string leaves_something(SOCKET session, std::uint16_t port);

private:
    void say(int family, std::uint16_t port, const std::string& text);
    winsock_socket call(int family, std::uint16_t port);
    std::string hears_datagram(SOCKET session, int family, std::uint16_t port);
    std::string serves_client(SOCKET session, int family, std::uint16_t port);
    std::string reaches_server(SOCKET session, int family, std::uint16_t port, bool stay);

    const berth::platform::port_kind kind_;
    const bool is_mapped_;  // the session socket speaks IPv4 by mapped addresses
    std::vector<int> speakers_;
    std::vector<winsock_socket> waiting_;
    unsigned turn_ = 0;
};

}  // namespace provider_contract
