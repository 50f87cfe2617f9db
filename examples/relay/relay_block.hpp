// The ports that are relayed on one address: a berth block, and the address that clients are told instead of ours.
//
// Draws are berth's: random, lock-free, thread-safe; a port that came back rests before anybody gets it again, so
// that what a peer still sends to it reaches nobody.
#pragma once

#include <berth/port_reservation.hpp>

#include <asio/ip/udp.hpp>

#include <cstdint>

namespace relay {

class relay_block {
public:
    relay_block(berth::port_reservation ports, asio::ip::address address, asio::ip::address external)
        : ports_(std::move(ports)), address_(std::move(address)), external_(std::move(external)) {}

    [[nodiscard]] berth::bound_port take(berth::error_code& ec) noexcept { return ports_.take(ec); }
    /// Any even port, whatever the one above it does.
    [[nodiscard]] berth::bound_port take_even(berth::error_code& ec) noexcept;
    [[nodiscard]] std::array<berth::bound_port, 2> take_pair(berth::error_code& ec) noexcept {
        return ports_.take_pair(ec);
    }

    [[nodiscard]] const asio::ip::address& address() const noexcept { return address_; }
    [[nodiscard]] const asio::ip::address& external() const noexcept { return external_; }
    [[nodiscard]] bool is_mapped() const noexcept { return address_ != external_; }
    [[nodiscard]] asio::ip::udp protocol() const noexcept {
        return address_.is_v4() ? asio::ip::udp::v4() : asio::ip::udp::v6();
    }
    [[nodiscard]] const berth::port_reservation& ports() const noexcept { return ports_; }

    /// Two clients of ours meet at the external address, which need not lead back here: so it is ours inside.
    [[nodiscard]] asio::ip::udp::endpoint to_local(const asio::ip::udp::endpoint& peer) const {
        return is_mapped() && peer.address() == external_ ? asio::ip::udp::endpoint(address_, peer.port()) : peer;
    }
    [[nodiscard]] asio::ip::udp::endpoint to_external(const asio::ip::udp::endpoint& peer) const {
        return is_mapped() && peer.address() == address_ ? asio::ip::udp::endpoint(external_, peer.port()) : peer;
    }

private:
    berth::port_reservation ports_;
    asio::ip::address address_;
    asio::ip::address external_;
};

}  // namespace relay
