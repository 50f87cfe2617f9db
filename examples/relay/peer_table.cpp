// See peer_table.hpp.
#include "peer_table.hpp"

#include <algorithm>

namespace relay {

bool peer_table::permit(std::span<const asio::ip::address> peers, coarse_time now) {
    const auto known = [&](const asio::ip::address& a) {
        return std::any_of(permissions_.begin(), permissions_.end(),
                           [&](const permission& p) { return p.address == a; });
    };
    std::size_t fresh =
        0;  // one that is named twice counts twice: it is no more than a request that asks for too much
    for (const auto& peer : peers) fresh += known(peer) ? 0 : 1;
    if (permissions_.size() + fresh > most_permissions) prune(now);
    fresh = 0;
    for (const auto& peer : peers) fresh += known(peer) ? 0 : 1;
    if (permissions_.size() + fresh > most_permissions) return false;

    for (const auto& peer : peers) {
        const auto found = std::find_if(permissions_.begin(), permissions_.end(),
                                        [&](const permission& p) { return p.address == peer; });
        const coarse_time until = now + permission_lifetime;
        if (found != permissions_.end())
            found->expires = until;
        else
            permissions_.push_back({peer, until});
    }
    return true;
}

peer_table::bind_result peer_table::bind(std::uint16_t number, const asio::ip::udp::endpoint& peer, coarse_time now) {
    if (channels_.size() == most_channels) prune(now);
    channel* mine = nullptr;
    for (channel& c : channels_) {
        if (c.expires <= now && c.number != number && c.peer != peer) continue;
        const bool is_over = c.expires <= now;
        if (c.number == number && c.peer == peer)
            mine = &c;
        else if (c.number == number && !is_over)
            return bind_result::channel_is_anothers;
        else if (c.peer == peer && !is_over)
            return bind_result::peer_has_another;
    }
    if (mine == nullptr) {
        std::erase_if(channels_, [&](const channel& c) { return c.number == number || c.peer == peer; });
        if (channels_.size() == most_channels) return bind_result::full;
    }
    const asio::ip::address address = peer.address();
    if (!permit({&address, 1}, now)) return bind_result::full;
    if (mine != nullptr)
        mine->expires = now + channel_lifetime;
    else
        channels_.push_back({number, peer, now + channel_lifetime});
    return bind_result::bound;
}

bool peer_table::is_permitted(const asio::ip::address& peer, coarse_time now) const noexcept {
    return std::any_of(permissions_.begin(), permissions_.end(),
                       [&](const permission& p) { return p.address == peer && p.expires > now; });
}

const peer_table::channel* peer_table::find(std::uint16_t number, coarse_time now) const noexcept {
    for (const channel& c : channels_) {
        if (c.number == number) return c.expires > now ? &c : nullptr;
    }
    return nullptr;
}

const peer_table::channel* peer_table::find(const asio::ip::udp::endpoint& peer, coarse_time now) const noexcept {
    for (const channel& c : channels_) {
        if (c.peer.port() == peer.port() && c.peer == peer) return c.expires > now ? &c : nullptr;
    }
    return nullptr;
}

void peer_table::prune(coarse_time now) {
    std::erase_if(permissions_, [&](const permission& p) { return p.expires <= now; });
    std::erase_if(channels_, [&](const channel& c) { return c.expires <= now; });
}

}  // namespace relay
