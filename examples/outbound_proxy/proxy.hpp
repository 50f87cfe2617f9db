// What all clients of the proxy share: its sources, users, rules, limits, books and log. Any thread.
//
// Each client's frames own a part of it, so that it lives until the last of them is gone.
#pragma once

#include "access_rules.hpp"
#include "books.hpp"
#include "settings.hpp"
#include "sources.hpp"
#include "users.hpp"
#include "watch.hpp"

#include <berth/quotas.hpp>
#include <berth/service/logger.hpp>
#include <berth/shards.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace outbound_proxy {

/// Ports that count in the quotas, until they are given back or it ends.
struct held_ports {
    berth::quota_hold as_user, as_address;
    void give_back() noexcept {
        as_user.give_back();
        as_address.give_back();
    }
};

class proxy {
public:
    /// Reserves all ports. Throws with a text for the operator.
    proxy(settings from, berth::shards& on, berth::service::logger& to);

    /// When the shards do not run any more, before they go. Tunnels that are open are cut off, by a reset: their end
    /// is none that the destination said.
    void stop_watching() noexcept {
        for (const auto& one : watches_) one->cut_all();
        watches_.clear();
    }
    /// `count` ports of the user's quota and of the address's: both or none, and quota_exceeded.
    held_ports count_ports(const user_setting* user, const asio::ip::address& from, std::uint32_t count,
                           berth::error_code& ec);
    [[nodiscard]] watch& watch_of(std::size_t shard) noexcept { return *watches_[shard]; }

    const settings config;
    berth::service::logger& log;
    const user_list users;
    const access_rules rules;
    source_list sources, udp_relays, udp_sources;
    std::optional<berth::quotas> user_ports, address_ports;  ///< held at once
    std::optional<berth::quotas> address_clients;            ///< connections of an address that a PROXY header names
    books counts;
    berth::service::limited_event odd_clients;  ///< what anybody can provoke

private:
    std::vector<std::unique_ptr<watch>> watches_;
};

/// Whether it is this machine's, whatever interface has it: asked of the system's routes, nothing is sent.
bool is_own_address(const berth::io_context::executor_type& on, const asio::ip::address& address);

/// What limits by address go by: an IPv4 address, or the /64 that an IPv6 one is in.
std::string limit_key(const asio::ip::address& address);

}  // namespace outbound_proxy
