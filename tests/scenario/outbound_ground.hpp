// What the tests of outbound ports share: a block that connects, and a world with many destinations.
//
// The world is one listener on all of 127.0.0.0/8 (or ::1): each address is a destination of its own. It accepts by
// itself whatever waits, and knows each connection by the tuple that it sees.
#pragma once

#include <berth/outbound.hpp>
#include <berth/tcp_socket.hpp>

#include <poll.h>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <map>
#include <utility>
#include <vector>

#include "unit/linux/kernel_sockets.hpp"

namespace outbound_test {

using namespace berth_test;
using berth::address_family;
using berth::errc;
using berth::error_code;
using berth::port_reservation;
using endpoint = asio::ip::tcp::endpoint;

class world {
public:
    explicit world(int family = AF_INET);

    /// The n-th destination.
    [[nodiscard]] endpoint at(std::uint32_t n = 0) const;
    /// Accepts all that waits. True if no tuple was seen twice.
    bool accept_all();
    /// The connection from this local port to the n-th destination, or -1.
    [[nodiscard]] int connection(std::uint16_t port, std::uint32_t n = 0) const;
    void close(std::uint16_t port, std::uint32_t n = 0);
    void close_all() { connections_.clear(); }
    [[nodiscard]] std::size_t size() const { return connections_.size(); }
    /// Of them, how many come from each port.
    [[nodiscard]] std::map<std::uint16_t, std::uint32_t> by_port() const;

private:
    using tuple = std::pair<std::uint16_t, endpoint>;
    const int family_;
    descriptor listener_;
    std::uint16_t port_ = 0;
    std::map<tuple, descriptor> connections_;
};

/// A block that connects.
port_reservation reserve(std::uint32_t ports, std::uint16_t sessions, address_family family = address_family::ipv4);

/// What the other side does until the end is seen here too, or two seconds are over.
bool sees_end(int fd);

/// A setting of /proc/sys/net/ipv4 for the test's time, where the test has a namespace of its own.
class setting {
public:
    setting(const char* name, int value);
    ~setting();
    setting(const setting&) = delete;
    setting& operator=(const setting&) = delete;
    explicit operator bool() const { return is_set_; }

private:
    std::string path_, before_;
    bool is_set_ = false;
};

/// For its time lo has a route to 2001:db8::/32 and no IPv6 address.
class no_ipv6_address {
public:
    no_ipv6_address();
    ~no_ipv6_address();
    no_ipv6_address(const no_ipv6_address&) = delete;
    no_ipv6_address& operator=(const no_ipv6_address&) = delete;
    explicit operator bool() const { return is_set_; }

private:
    bool is_set_ = false;
};

}  // namespace outbound_test
