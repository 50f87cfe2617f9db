// See allocation.hpp.
#include "allocation.hpp"

#include "stun_writer.hpp"
#include "turn_shard.hpp"

namespace relay {

namespace {

// Bytes. Those of a voice packet are copied sooner than their buffer comes back (relay_bench: 160 against 1,200).
constexpr std::size_t worth_passing_on = 512;

}  // namespace

allocation::~allocation() {
    for (const auto& port : relayed) {
        if (port) port->end();
    }
}

relayed_port* allocation::port_for(const asio::ip::address& peer) const noexcept {
    for (const auto& port : relayed) {
        if (port && port->is_ipv6() == peer.is_v6()) return port.get();
    }
    return nullptr;
}

void allocation::to_peer(const channel_data& data, berth::lent_buffer* whole) {
    const peer_table::channel* const channel = peers.find(data.channel, shard_.now());
    if (channel == nullptr) return shard_.counters().count(drop::no_channel);
    if (!peers.is_permitted(channel->peer.address(), shard_.now()))
        return shard_.counters().count(drop::no_permission);
    pass_to_peer(data.payload, whole, channel->peer);
}

void allocation::to_peer(const stun_message& send_indication, berth::lent_buffer* whole) {
    const auto peer = send_indication.address(attribute::xor_peer_address);
    const attribute_view* const data = send_indication.find(attribute::data);
    if (!peer || data == nullptr) return shard_.counters().count(drop::unexpected);
    if (!peers.is_permitted(peer->address(), shard_.now())) return shard_.counters().count(drop::no_permission);
    if (peer->port() == 0 || !shard_.shared().policy.allows_port(*peer))
        return shard_.counters().count(drop::denied_peer);
    pass_to_peer(data->value, whole, *peer);
}

void allocation::pass_to_peer(bytes_view payload, berth::lent_buffer* whole, const asio::ip::udp::endpoint& peer) {
    relayed_port* const port = port_for(peer.address());
    if (port == nullptr) return shard_.counters().count(drop::no_permission);  // its family was given back
    if (whole != nullptr && payload.size() >= worth_passing_on) {
        const auto* const begin = static_cast<const std::uint8_t*>(whole->data());
        whole->keep(static_cast<std::size_t>(payload.data() - begin), payload.size());
        port->send(std::move(*whole), peer);
    } else {
        port->send(asio::buffer(payload.data(), payload.size()), peer);
    }
    ++traffic_.to_peers_datagrams;
    traffic_.to_peers += payload.size();
    shard_.counters().to_peers_datagrams.add();
    shard_.counters().to_peers_bytes.add(payload.size());
}

void allocation::from_peer(relayed_port& on, berth::datagram& received) {
    shard_counters& counters = shard_.counters();
    if (received.is_truncated) return counters.count(drop::too_long);
    const asio::ip::udp::endpoint peer = on.block().to_external(received.source);
    if (!peers.is_permitted(peer.address(), shard_.now())) return counters.count(drop::no_permission);
    const bytes_view payload(static_cast<const std::uint8_t*>(received.payload.data()), received.payload.size());
    const peer_table::channel* const channel = peers.find(peer, shard_.now());
    bool is_sent = false;
    if (channel != nullptr) {
        const auto header = channel_header(channel->number, payload.size());
        const std::size_t padding = client_.sink->is_stream() ? padding_of(payload.size()) : 0;
        is_sent = client_.sink->send(client_.remote, header, payload, padding);
    } else {
        is_sent = as_indication(payload, peer);
    }
    if (!is_sent) return counters.count(drop::slow_client);
    ++traffic_.to_clients_datagrams;
    traffic_.to_clients += payload.size();
    counters.to_clients_datagrams.add();
    counters.to_clients_bytes.add(payload.size());
}

void allocation::is_deaf(relayed_port& on, const berth::error_code& why) {
    shard_.shared().log.error("relayed_port_failed",
                              {{"relayed", on.address()}, {"user", user.name}, {"error", why}});
}

bool allocation::as_indication(bytes_view payload, const asio::ip::udp::endpoint& peer) {
    std::array<std::uint8_t, 64> room;
    stun_writer head(room, message_class::indication, stun_method::data, shard_.next_transaction());
    head.add_address(attribute::xor_peer_address, peer);
    head.begin_data(payload.size());
    return head.is_complete() &&
           client_.sink->send(client_.remote, head.bytes(), payload, padding_of(payload.size()));
}

}  // namespace relay
