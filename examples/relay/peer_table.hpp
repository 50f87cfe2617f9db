// With whom an allocation may talk: its permissions (by address) and its channels (by address and port).
//
// Looked at for each datagram, so it is flat; bounded, so that a client costs what it may cost. What has expired is
// not there for anybody, and makes room when prune() runs or when room is wanted. RFC 8656, sections 9 and 12.
#pragma once

#include <version>  // before Asio, which allocates in another way where no standard header came first

#include <asio/ip/udp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace relay {

using coarse_time = std::chrono::steady_clock::time_point;  ///< of the shard's tick

class peer_table {
public:
    static constexpr std::size_t most_permissions = 128;
    static constexpr std::size_t most_channels = 128;
    static constexpr std::chrono::seconds permission_lifetime{300};
    static constexpr std::chrono::seconds channel_lifetime{600};

    struct channel {
        std::uint16_t number = 0;
        asio::ip::udp::endpoint peer;
        coarse_time expires;
    };
    enum class bind_result : std::uint8_t { bound, channel_is_anothers, peer_has_another, full };

    /// Makes or refreshes all of them, or none if there is no room: false.
    [[nodiscard]] bool permit(std::span<const asio::ip::address> peers, coarse_time now);
    /// Makes or refreshes a channel, and the permission for its address.
    [[nodiscard]] bind_result bind(std::uint16_t number, const asio::ip::udp::endpoint& peer, coarse_time now);

    [[nodiscard]] bool is_permitted(const asio::ip::address& peer, coarse_time now) const noexcept;
    [[nodiscard]] const channel* find(std::uint16_t number, coarse_time now) const noexcept;
    [[nodiscard]] const channel* find(const asio::ip::udp::endpoint& peer, coarse_time now) const noexcept;

    void prune(coarse_time now);
    [[nodiscard]] std::size_t permissions() const noexcept { return permissions_.size(); }
    [[nodiscard]] std::size_t channels() const noexcept { return channels_.size(); }

private:
    struct permission {
        asio::ip::address address;
        coarse_time expires;
    };
    std::vector<permission> permissions_;
    std::vector<channel> channels_;
};

}  // namespace relay
