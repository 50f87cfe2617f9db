// Which addresses clients may have datagrams sent to. A relay is inside of somebody's network: without this it is a
// way in.
//
// Refused unless allowed: loopback, private and shared networks, link-local. Refused always: multicast, broadcast,
// unspecified and reserved ones, IPv4 in disguise (mapped, 6to4, Teredo, NAT64) of an address that is refused. The
// relay's own addresses are there for one thing only, the ports of its own block: two clients of one relay meet
// there.
#pragma once

#include <version>  // before Asio, which allocates in another way where no standard header came first

#include <asio/ip/udp.hpp>

#include <cstdint>
#include <vector>

namespace relay {

struct peer_rules {
    bool allow_loopback = false;
    bool allow_private = false;  ///< and link-local
};

class peer_policy {
public:
    explicit peer_policy(peer_rules rules) : rules_(rules) {}

    /// An address of this machine, and the ports that are relayed there: first, and one behind the last (0, 0: none).
    void add_own(const asio::ip::address& address, std::uint32_t first, std::uint32_t behind) {
        if (address.is_unspecified()) has_unnamed_ = true;
        own_.push_back({address, first, behind});
    }
    /// An address that may be this machine's without being named here: it listens on all of its addresses. Who asks the
    /// system knows.
    [[nodiscard]] bool may_be_own(const asio::ip::address& address) const noexcept;

    [[nodiscard]] bool allows(const asio::ip::address& address) const noexcept;
    /// Of an address that is allowed: whether datagrams may go to this port.
    [[nodiscard]] bool allows_port(const asio::ip::udp::endpoint& peer) const noexcept;
    [[nodiscard]] bool allows(const asio::ip::udp::endpoint& peer) const noexcept {
        return peer.port() != 0 && allows(peer.address()) && allows_port(peer);
    }

private:
    [[nodiscard]] bool allows(const asio::ip::address_v4& address) const noexcept;
    [[nodiscard]] bool allows(const asio::ip::address_v6& address) const noexcept;

    struct own_address {
        asio::ip::address address;
        std::uint32_t first, behind;
    };
    peer_rules rules_;
    std::vector<own_address> own_;
    bool has_unnamed_ = false;
};

}  // namespace relay
