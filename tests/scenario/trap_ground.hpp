// What the tests of the traps share: reservations by parking method, strangers on loopback, processes to be killed.
//
// Every test works on a block of one port (or says otherwise), so that the next owner gets the very socket that the
// last one left. Strangers are plain sockets; nothing here but reserve() calls berth.
#pragma once

#include <berth/associate.hpp>
#include <berth/berth.hpp>

#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <functional>
#include <string>

#include "unit/linux/kernel_sockets.hpp"

namespace traps {

using namespace berth_test;
using berth::address_family;
using berth::bound_port;
using berth::errc;
using berth::error_code;
using berth::parking;
using berth::port_reservation;
using berth::tcp_use;
using berth::transport;

inline constexpr address_family families[] = {address_family::dual, address_family::ipv4, address_family::ipv6};

/// Each test once with the best parking that is permitted here, and once with system calls alone.
class by_parking : public testing::TestWithParam<parking> {
protected:
    static berth::reservation_request ask(transport protocol, address_family family = address_family::dual,
                                          tcp_use use = tcp_use::listen, std::uint32_t count = 1);
    /// Throws what reserve throws.
    static port_reservation reserve(transport protocol, address_family family = address_family::dual,
                                    tcp_use use = tcp_use::listen, std::uint32_t count = 1) {
        return port_reservation::reserve(ask(protocol, family, use, count));
    }
};

#define BERTH_TRAPS_BY_PARKING(suite)                                                 \
    INSTANTIATE_TEST_SUITE_P(                                                         \
        , suite, testing::Values(berth::parking::best, berth::parking::system_calls), \
        [](const auto& param_info) { return param_info.param == berth::parking::best ? "best" : "system_calls"; })

/// take that must succeed; an empty port and a failure of the test otherwise.
bound_port take(port_reservation& reservation);
void give_back(bound_port& port);

/// AF_INET, AF_INET6 or both: what a session socket of `family` is to hear.
std::vector<int> speakers(address_family family);

/// A loopback address of `family` as a session socket of `session` must be given it (IPv4 mapped where needed).
struct socket_name {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};
socket_name loopback_for(address_family session, int family, std::uint16_t port, std::uint32_t v4 = INADDR_LOOPBACK);

/// A stranger sends one datagram over loopback. An empty text is a zero-length datagram.
void say(int family, std::uint16_t port, const std::string& text);
/// What comes within the time, and "nothing" else; "error n" if recv says so.
std::string next_datagram(int fd, int milliseconds);
/// Empty if the socket hears strangers of `family` and nothing is queued before them, else what is wrong.
std::string hears(int fd, int family, std::uint16_t port);
/// Empty if a new client is served by the listener, and is the first in its queue.
std::string serves(int listener, int family, std::uint16_t port);
/// 0, or errno of a connect that is given `milliseconds`; ETIMEDOUT if nothing came.
int connect_within(int fd, const socket_name& to, int milliseconds);

int option(int fd, int level, int name);
int pending_error(int fd);
bool is_set_nonblocking(int fd);

/// 0 or errno of bind(2) of a fresh socket to all addresses of its family.
int try_bind(int family, int type, std::uint16_t port, bool reuse_address = false);

/// A forked process that runs `body`, reports by one number, and sleeps until it is killed.
class doomed_process {
public:
    explicit doomed_process(const std::function<std::uint16_t(int report)>& body);
    doomed_process(const doomed_process&) = delete;
    doomed_process& operator=(const doomed_process&) = delete;
    ~doomed_process() { kill(); }
    std::uint16_t hear();  // the next number that it reports; 0: it died
    void kill();           // SIGKILL, and waited for

private:
    int pid_ = -1;
    int from_ = -1;
};
void report(int to, std::uint16_t number);

}  // namespace traps
