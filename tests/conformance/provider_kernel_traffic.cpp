// Sending and looking for what was sent; see provider_kernel_traffic.hpp.
#include "conformance/provider_kernel_traffic.hpp"

#include <netinet/tcp.h>

namespace provider_contract {

using namespace berth_test;
using berth::address_family;
using berth::platform::port_kind;

namespace {

constexpr int soon = 3000, a_while = 20;  // milliseconds

sockaddr_in6 loopback_for(bool mapped, int family, std::uint16_t port) {
    auto to = loopback6(port);
    if (family == AF_INET && mapped) {
        to.sin6_addr = {};
        to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xff;
        to.sin6_addr.s6_addr[12] = 127, to.sin6_addr.s6_addr[15] = 1;
    }
    return to;
}

int connect_to(int fd, bool mapped, int family, std::uint16_t port) {
    const auto a4 = loopback4(port);
    const auto a6 = loopback_for(mapped, family, port);
    return family == AF_INET && !mapped ? ::connect(fd, name(a4), sizeof a4) : ::connect(fd, name(a6), sizeof a6);
}

std::uint16_t remote_port(int fd) {
    sockaddr_in6 a{};
    socklen_t size = sizeof a;
    return ::getpeername(fd, reinterpret_cast<sockaddr*>(&a), &size) == 0 ? ntohs(a.sin6_port) : std::uint16_t{0};
}

void end_by_reset(int fd) {
    const linger at_once{1, 0};
    EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
}

bool queues(int listener, std::uint32_t clients) {
    for (int round = 0; round < soon; ++round) {
        tcp_info info{};
        socklen_t size = sizeof info;
        if (::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_unacked == clients)
            return true;
        ::usleep(1000);
    }
    return false;
}

void say(int family, std::uint16_t port, const std::string& text) {
    const descriptor stranger = make_socket(family, SOCK_DGRAM);
    const auto a4 = loopback4(port);
    const auto a6 = loopback6(port);
    const auto sent = family == AF_INET ? ::sendto(stranger, text.data(), text.size(), 0, name(a4), sizeof a4)
                                        : ::sendto(stranger, text.data(), text.size(), 0, name(a6), sizeof a6);
    EXPECT_EQ(sent, static_cast<ssize_t>(text.size())) << strerror(errno);
}

}  // namespace

kernel_traffic::kernel_traffic(port_kind kind, address_family family)
    : kind_(kind), mapped_(family == address_family::dual) {
    if (family != address_family::ipv6) speakers_.push_back(AF_INET);
    if (family != address_family::ipv4) speakers_.push_back(AF_INET6);
}

descriptor kernel_traffic::call(int family, std::uint16_t port) {
    descriptor caller = client(family, port);
    end_by_reset(caller);
    return caller;
}

std::uint32_t kernel_traffic::leave_unread(int session, std::uint16_t port) {
    std::uint32_t left = 0;
    for (const int family : speakers_) {
        if (kind_ == port_kind::udp) {
            for (const char* text : {"unread", "", "unread too"}) say(family, port, text), ++left;
        } else if (kind_ == port_kind::tcp_listen) {
            for (int i = 0; i < 2; ++i) waiting_.push_back(call(family, port)), ++left;
        }
    }
    EXPECT_TRUE(kind_ != port_kind::tcp_listen || queues(session, left));
    if (kind_ == port_kind::tcp_connect) {
        EXPECT_EQ(reaches_server(session, speakers_[turn_++ % speakers_.size()], port, true), "");
    }
    return left;
}

std::string kernel_traffic::hears(int session, std::uint16_t port) {
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

std::string kernel_traffic::hears_datagram(int session, int family, std::uint16_t port) {
    const std::string text = "datagram " + std::to_string(++turn_);
    say(family, port, text);
    if (!becomes(session, POLLIN, soon)) return "no datagram came; ";
    char found[64];
    const auto n = ::recv(session, found, sizeof found, MSG_DONTWAIT);
    if (n < 0) return std::string("recv: ") + strerror(errno) + "; ";
    const std::string first(found, static_cast<std::size_t>(n));
    return first == text ? "" : "found '" + first + "' before '" + text + "'; ";
}

std::string kernel_traffic::serves_client(int listener, int family, std::uint16_t port) {
    const descriptor caller = call(family, port);
    if (!becomes(listener, POLLIN, soon)) return "no client came; ";
    const descriptor served(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (served < 0) return std::string("accept: ") + strerror(errno) + "; ";
    return remote_port(served) == port_of(caller) ? "" : "another client was queued before; ";
}

std::string kernel_traffic::reaches_server(int session, int family, std::uint16_t port, bool stay) {
    descriptor server = listener(family);
    if (connect_to(session, mapped_, family, port_of(server)) != 0 && errno != EINPROGRESS) {
        return std::string("connect: ") + strerror(errno) + "; ";
    }
    if (!becomes(server, POLLIN, soon)) return "the server saw no connection; ";
    descriptor served(::accept4(server, nullptr, nullptr, SOCK_CLOEXEC));
    if (remote_port(served) != port) return "the connection comes from another port; ";
    if (::send(served, "!", 1, MSG_NOSIGNAL) != 1 || !becomes(session, POLLIN, soon)) return "nothing came back; ";
    end_by_reset(served);
    char found = 0;
    if (stay) {
        waiting_.push_back(std::move(served));
    } else if (::recv(session, &found, 1, MSG_DONTWAIT) != 1 || found != '!') {
        return "something else was found; ";
    }
    return {};
}

std::string kernel_traffic::is_deaf(int session, std::uint16_t port) {
    std::vector<descriptor> callers;
    for (const int family : speakers_) {
        if (kind_ == port_kind::udp) {
            say(family, port, "to nobody");
        } else {
            callers.push_back(call(family, port));
        }
    }
    if (kind_ == port_kind::tcp_connect) {
        pollfd p{session, POLLIN, 0};
        char found = 0;
        if (remote_port(session) != 0) return "it is connected";
        if (::recv(session, &found, 1, MSG_DONTWAIT) != -1 || errno != ENOTCONN) return "it has something to read";
        return ::poll(&p, 1, 0) >= 0 && (p.revents & POLLIN) == 0 ? "" : "it is readable";
    }
    if (becomes(session, POLLIN, a_while)) return "it is readable";
    char found = 0;
    if (kind_ == port_kind::udp && ::recv(session, &found, 1, MSG_DONTWAIT) >= 0) return "it has a datagram";
    for (const auto& caller : callers) {
        if (becomes(caller, POLLOUT, 0)) return "a client was answered";
    }
    return {};
}

}  // namespace provider_contract
