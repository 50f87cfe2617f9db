// What may be asked for, and of which kinds of socket it is; see reservation_core.hpp.
#include "reservation_core.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace berth::detail {
namespace {

failure invalid_request(std::string what) { return {errc::invalid_argument, std::move(what), 0, 0}; }

// The cooling queue counts that far.
constexpr std::uint32_t most_sessions = 65536;

failure check_sessions(const reservation_request& r) {
    const std::string asked = "sessions_per_port is " + std::to_string(r.sessions_per_port);
    if (r.sessions_per_port == 0) return invalid_request(asked + "; each port needs one session socket at least");
    if (r.sessions_per_port == 1) return {};
    if (r.protocol != transport::tcp) {
        return invalid_request(asked + "; several session sockets a port are for transport::tcp alone: of UDP's the newest "
                               "would hear everything");
    }
    if (r.use != tcp_use::connect) {
        return invalid_request(asked + "; several session sockets a port are for tcp_use::connect alone: of a listening port "
                               "there is one socket to accept from");
    }
    if (r.block.count * std::uint64_t{r.sessions_per_port} > most_sessions) {
        return invalid_request(asked + "; " + std::to_string(r.block.count) + " ports may have " +
                       std::to_string(most_sessions / r.block.count) + " each, since a block has at most " +
                       std::to_string(most_sessions) + " session sockets; or reserve several blocks");
    }
    return {};
}

}  // namespace

failure check_request(const reservation_request& r) {
    const auto& block = r.block;
    if (block.count == 0) return invalid_request("block.count is 0; ask for at least one port");
    if (!block.is_valid()) {
        return invalid_request("block of " + std::to_string(block.count) + " ports from " + std::to_string(block.first) +
                       " runs past port 65535; at most " + std::to_string(65536 - std::max<int>(block.first, 1)) +
                       " fit there");
    }
    const auto protocol = static_cast<unsigned>(r.protocol);
    if (protocol < 1 || protocol > 3) return invalid_request("protocol is none of tcp, udp, tcp_and_udp");
    if (r.backlog < 1) return invalid_request("backlog " + std::to_string(r.backlog) + " is below 1 connection");
    if (r.cool_down.count() < 0) return invalid_request("cool_down is negative");
    if (r.silence.count() < 0) return invalid_request("silence is negative");
    if (auto f = check_sessions(r)) return f;
    if (!r.device.empty() && (r.protocol != transport::tcp || r.use != tcp_use::connect)) {
        return invalid_request("device is '" + r.device + "'; only the session sockets of transport::tcp and "
                               "tcp_use::connect are bound to one: UDP's are parked that way");
    }
    if (!r.address.is_unspecified()) {
        const bool v4 = r.address.is_v4();
        if ((v4 && r.family == address_family::ipv6) || (!v4 && r.family == address_family::ipv4)) {
            return {errc::family_mismatch,
                    "address " + r.address.to_string() +
                        " is not of the family asked for; leave it unspecified or "
                        "change the family",
                    0, 0};
        }
    }
    return {};
}

std::vector<platform::port_kind> kinds_of(const reservation_request& r) {
    std::vector<platform::port_kind> kinds;
    if (r.protocol != transport::udp) {
        kinds.push_back(r.use == tcp_use::listen ? platform::port_kind::tcp_listen
                                                 : platform::port_kind::tcp_connect);
    }
    if (r.protocol != transport::tcp) kinds.push_back(platform::port_kind::udp);
    return kinds;
}

}  // namespace berth::detail
