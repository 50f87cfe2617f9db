// Where clients may be taken: never to this machine or its neighbours unless the operator says so.
//
// A proxy that connects anywhere is a way around every firewall in front of it. Judged is the address that is
// connected to, after names were resolved, and the IPv4 address inside an IPv6 one where a translator would take it
// out again.
#pragma once

#include "settings.hpp"

#include <string_view>

namespace outbound_proxy {

enum class address_kind : std::uint8_t {
    ordinary,
    loopback,     ///< 127.0.0.0/8, ::1
    link_local,   ///< 169.254.0.0/16, fe80::/10
    private_use,  ///< RFC 1918, 100.64.0.0/10 (RFC 6598), fc00::/7, 64:ff9b:1::/48 (RFC 8215)
    never,        ///< unspecified, multicast, broadcast, reserved: nobody there to connect to
};
address_kind kind_of(const asio::ip::address& address) noexcept;

/// An IPv4 address that is written as an IPv6 one as itself; others as they are.
asio::ip::address plain(const asio::ip::address& address) noexcept;

class access_rules {
public:
    explicit access_rules(const settings& s) : allowed_(s.allowed) {}

    /// Why not, in words; empty: it may be. is_own(): whether it is an address of this machine, asked if it matters.
    template <class Own>
    [[nodiscard]] std::string_view refusal_of(const asio::ip::address& to, Own is_own) const {
        if (const auto why = refusal_of_kind(to); !why.empty()) return why;
        if (allowed_.own || kind_of(to) == address_kind::loopback || !is_own()) return {};
        return "the proxy's own addresses are not allowed as destinations";
    }

private:
    [[nodiscard]] std::string_view refusal_of_kind(const asio::ip::address& to) const noexcept;

    allowed_kinds allowed_;
};

[[nodiscard]] bool contains(const std::vector<port_span>& spans, std::uint16_t port) noexcept;

}  // namespace outbound_proxy
