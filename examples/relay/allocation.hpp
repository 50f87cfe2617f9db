// One allocation: a client, its relayed addresses, and the data between them. No locks: it lives on one shard.
//
// Nothing goes to a peer, or comes from one, without a permission.
#pragma once

#include "channel_data.hpp"
#include "client.hpp"
#include "counters.hpp"
#include "expiry_wheel.hpp"
#include "peer_table.hpp"
#include "relayed_port.hpp"
#include "stun_integrity.hpp"
#include "world.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace relay {

class turn_shard;

class allocation final : public wheel_entry, private relayed_port::listener {
public:
    allocation(turn_shard& shard, client_address client) : shard_(shard), client_(client) {}
    ~allocation();

    struct owner {
        std::string name;  ///< as it came
        long_term_key key{};
        std::string counted_as;
    };
    owner user;
    std::array<std::shared_ptr<relayed_port>, 2> relayed;  ///< the second: ADDITIONAL-ADDRESS-FAMILY
    peer_table peers;
    coarse_time expires;
    coarse_time made_at;
    berth::quota_hold counted;  ///< in the user's quota
    transaction_id made_by{};   ///< the Allocate, and what it was answered, should it come again
    std::vector<std::uint8_t> answer;

    struct traffic {
        std::uint64_t to_peers = 0, to_clients = 0;  ///< bytes
        std::uint64_t to_peers_datagrams = 0, to_clients_datagrams = 0;
    };

    [[nodiscard]] const client_address& client() const noexcept { return client_; }
    [[nodiscard]] const traffic& passed() const noexcept { return traffic_; }
    [[nodiscard]] relayed_port* port_for(const asio::ip::address& peer) const noexcept;

    /// nullptr and an error if the socket cannot be had; the port is back then.
    std::shared_ptr<relayed_port> open(berth::io_context& context, relay_block& block, berth::bound_port port,
                                       berth::error_code& ec) {
        return relayed_port::open(context, block, std::move(port), *this, ec);
    }

    /// Data of the client's. `whole`: a buffer lent by this shard, in which the message lies; it may be taken. nullptr:
    /// the data is copied.
    void to_peer(const channel_data& data, berth::lent_buffer* whole);
    void to_peer(const stun_message& send_indication, berth::lent_buffer* whole);

private:
    void from_peer(relayed_port& on, berth::datagram& received) override;
    void is_deaf(relayed_port& on, const berth::error_code& why) override;
    void pass_to_peer(bytes_view payload, berth::lent_buffer* whole, const asio::ip::udp::endpoint& peer);
    bool as_indication(bytes_view payload, const asio::ip::udp::endpoint& peer);

    turn_shard& shard_;
    client_address client_;
    traffic traffic_;
};

}  // namespace relay
