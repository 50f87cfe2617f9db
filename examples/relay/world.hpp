// What all shards share: what the server was told, and what is constant or safe for any thread.
#pragma once

#include <berth/quotas.hpp>
#include <berth/service/logger.hpp>
#include "credentials.hpp"
#include "kept_ports.hpp"
#include "nonce.hpp"
#include "peer_policy.hpp"
#include "relay_block.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace relay {

struct limits {
    std::chrono::seconds default_lifetime{600};
    std::chrono::seconds max_lifetime{3600};
    std::chrono::seconds nonce_lifetime{3600};
    std::chrono::milliseconds tick{1000};     ///< how exactly times are kept
    std::chrono::seconds stream_grace{30};    ///< for a connection without an allocation
    std::uint32_t refusals_a_second = 200;    ///< answers to one source address that has shown nothing; 0: no limit
    std::size_t stream_backlog = 256 * 1024;  ///< bytes that wait for one connection
    std::size_t unknown_message = 4096;       ///< bytes of a message over a stream before there is an allocation
    bool rfc5766_channels = false;            ///< 0x5000 to 0x7FFF as well
};

struct world {
    /// quota: allocations of each user; 0: no limit.
    world(credentials c, peer_policy p, limits l, std::uint32_t quota, berth::service::logger& to)
        : users(std::move(c)),
          policy(std::move(p)),
          limit(l),
          nonces(nonce_seconds(l)),
          quotas({.each = quota != 0 ? quota : std::numeric_limits<std::uint32_t>::max()}),
          log(to) {}

    credentials users;
    peer_policy policy;
    limits limit;
    nonce_source nonces;
    berth::quotas quotas;
    std::vector<relay_block> blocks;  ///< at most one of each family
    kept_ports kept;                  // behind the blocks: its ports go back first
    std::optional<asio::ip::udp::endpoint> alternate_server;
    berth::service::logger& log;
    std::atomic<bool> is_draining{false};
    std::atomic<std::int64_t> allocations{0};

    /// The index of the family's block; nullopt: there is none.
    [[nodiscard]] std::optional<std::size_t> block_of(bool ipv6) const noexcept {
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            if (blocks[i].address().is_v6() == ipv6) return i;
        }
        return std::nullopt;
    }

private:
    static nonce_source::time nonce_seconds(const limits& l) {
        return nonce_source::time(static_cast<std::uint32_t>(l.nonce_lifetime.count()));
    }
};

}  // namespace relay
