// What one shard counts. Written by its thread alone, read by any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace relay {

/// Why a datagram or a message went no further.
enum class drop : std::uint8_t {
    malformed,      ///< neither STUN nor ChannelData
    unexpected,     ///< a message that a server is not sent, or an indication without what it needs
    no_allocation,  ///< data of somebody who has none
    no_permission,  ///< to or from an address without a permission
    no_channel,     ///< ChannelData on a channel that is not bound
    denied_peer,    ///< to an address or port that no client may reach
    too_long,       ///< longer than a buffer, or than a message may be
    slow_client,    ///< a stream's backlog was full
    slow_shard,     ///< another shard did not come to read what was handed to it
    over_budget,    ///< an answer to a source that had enough of them
    overflow,       ///< the receive buffer of a listening UDP socket had no room (net.core.rmem_max limits it)
};
inline constexpr std::array<std::string_view, 11> drop_names{
    "malformed",   "unexpected", "no_allocation", "no_permission", "no_channel",
    "denied_peer", "too_long",   "slow_client",   "slow_shard",    "over_budget", "overflow"};

/// The error codes that we send.
inline constexpr std::array<std::uint16_t, 13> error_codes{300, 400, 401, 403, 420, 437, 438,
                                                           440, 441, 442, 443, 486, 508};

class counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.store(get() + n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct shard_counters {
    counter allocations_made;
    counter allocations_ended;
    counter answers;  ///< successes
    counter to_peers_datagrams, to_peers_bytes;
    counter to_clients_datagrams, to_clients_bytes;
    counter stream_clients;  ///< TCP and TLS, accepted
    std::array<counter, drop_names.size()> drops;
    std::array<counter, error_codes.size()> errors;

    void count(drop why, std::uint64_t n = 1) noexcept { drops[static_cast<std::size_t>(why)].add(n); }
    void count_error(std::uint16_t code) noexcept {
        for (std::size_t i = 0; i < error_codes.size(); ++i) {
            if (error_codes[i] == code) return errors[i].add();
        }
    }
};

}  // namespace relay
