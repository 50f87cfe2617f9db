// Binding, Refresh, CreatePermission and ChannelBind. See turn_shard.hpp.
#include "turn_shard.hpp"

#include "channel_data.hpp"

#include <berth/udp_socket.hpp>

#include <algorithm>

namespace relay {
namespace {

// What goes to an address of this machine leaves from that very address. A socket connected there tells; nothing is sent.
bool is_own(berth::io_context& context, const asio::ip::address& address) {
    berth::error_code ec;
    berth::udp_socket question(context);
    question.connect({address, 9}, ec);
    return !ec && question.local_endpoint(ec).address() == address && !ec;
}

}  // namespace

// Nobody is asked who he is, so the answer is one of those that a source has only so many of.
void turn_shard::binding(request& r) {
    if (!knows_all(r)) return;
    if (r.known == nullptr && !budget_.spend(r.client.remote.address(), now_))
        return counters_.count(drop::over_budget);
    answer_room room;
    stun_writer answer(room, message_class::success, stun_method::binding, r.message.transaction());
    answer.add_address(attribute::xor_mapped_address, r.client.remote);
    succeed(r, answer);
}

std::uint32_t turn_shard::lifetime_for(const stun_message& message) const {
    const auto least = static_cast<std::uint32_t>(shared_.limit.default_lifetime.count());
    const auto most = static_cast<std::uint32_t>(shared_.limit.max_lifetime.count());
    const std::uint32_t asked = message.number(attribute::lifetime).value_or(least);
    return std::min(std::max(asked, least), most);
}

// RFC 8656, 7.2. A family that is named is given back alone, if it is not the last.
void turn_shard::refresh(request& r) {
    allocation& a = *r.known;
    const auto family = r.message.number(attribute::requested_address_family);
    std::size_t named = a.relayed.size();
    if (family) {
        const bool is_ipv6 = *family >> 24 == 2;
        for (std::size_t i = 0; i < a.relayed.size(); ++i) {
            if (a.relayed[i] && a.relayed[i]->is_ipv6() == is_ipv6) named = i;
        }
        if (named == a.relayed.size()) return refuse(r, 443, "Peer Address Family Mismatch");
    }
    const bool ends = r.message.number(attribute::lifetime) == 0U;
    const std::uint32_t lifetime = ends ? 0 : lifetime_for(r.message);
    answer_room room;
    stun_writer answer(room, message_class::success, stun_method::refresh, r.message.transaction());
    answer.add(attribute::lifetime, lifetime);
    if (!ends) {
        a.expires = now_ + std::chrono::seconds(lifetime);
        wait_for(a);
        return succeed(r, answer);
    }
    if (named != a.relayed.size() && a.relayed[0] && a.relayed[1]) {
        a.relayed[named]->end();
        a.relayed[named].reset();
        return succeed(r, answer);
    }
    const client_address client = r.client;
    end(client, "released");
    r.known = nullptr;
    succeed(r, answer);
}

// False: it was refused.
bool turn_shard::may_reach(request& r, const std::optional<asio::ip::udp::endpoint>& peer) {
    if (!peer) return refuse(r, 400, "Bad Request"), false;
    if (r.known->port_for(peer->address()) == nullptr) return refuse(r, 443, "Peer Address Family Mismatch"), false;
    const peer_policy& policy = shared_.policy;
    if (!policy.allows(peer->address()) || (policy.may_be_own(peer->address()) && is_own(context_, peer->address()))) {
        counters_.count(drop::denied_peer);
        return refuse(r, 403, "Forbidden"), false;
    }
    return true;
}

void turn_shard::create_permission(request& r) {
    std::array<asio::ip::address, stun_message::most_attributes> peers;
    std::size_t count = 0;
    for (const attribute_view& one : r.message.attributes()) {
        if (one.type != static_cast<std::uint16_t>(attribute::xor_peer_address)) continue;
        const auto peer = r.message.address(one);
        if (!may_reach(r, peer)) return;
        peers[count++] = peer->address();
    }
    if (count == 0) return refuse(r, 400, "Bad Request");
    if (!r.known->peers.permit({peers.data(), count}, now_)) return refuse(r, 508, "Too Many Permissions");
    answer_room room;
    stun_writer answer(room, message_class::success, stun_method::create_permission, r.message.transaction());
    succeed(r, answer);
}

void turn_shard::channel_bind(request& r) {
    const auto number = r.message.number(attribute::channel_number);
    const auto peer = r.message.address(attribute::xor_peer_address);
    const std::uint32_t last = shared_.limit.rfc5766_channels ? last_rfc5766_channel : last_channel;
    if (!number || *number >> 16 < first_channel || *number >> 16 > last) return refuse(r, 400, "Bad Channel Number");
    if (!may_reach(r, peer)) return;
    if (!shared_.policy.allows(*peer)) {
        counters_.count(drop::denied_peer);
        return refuse(r, 403, "Forbidden");
    }
    switch (r.known->peers.bind(static_cast<std::uint16_t>(*number >> 16), *peer, now_)) {
        case peer_table::bind_result::bound:
            break;
        case peer_table::bind_result::channel_is_anothers:
            return refuse(r, 400, "Channel Is Another Peer's");
        case peer_table::bind_result::peer_has_another:
            return refuse(r, 400, "Peer Has Another Channel");
        case peer_table::bind_result::full:
            return refuse(r, 508, "Too Many Channels");
    }
    answer_room room;
    stun_writer answer(room, message_class::success, stun_method::channel_bind, r.message.transaction());
    succeed(r, answer);
}

}  // namespace relay
