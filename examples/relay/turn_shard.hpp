// One shard's allocations, and the answers to its clients: RFC 8656's server, from whole messages to whole messages.
//
// A client's messages all come to one shard. No state is made before credentials were checked. Belongs to one thread.
#pragma once

#include "allocation.hpp"
#include "client.hpp"
#include "counters.hpp"
#include "expiry_wheel.hpp"
#include "source_budget.hpp"
#include "stun_writer.hpp"
#include "world.hpp"

#include <berth/io_context.hpp>

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace relay {

class turn_shard {
public:
    turn_shard(berth::io_context& context, world& shared);
    turn_shard(const turn_shard&) = delete;
    turn_shard& operator=(const turn_shard&) = delete;

    /// One whole message. `whole`: see allocation::to_peer().
    void from_client(const client_address& client, bytes_view bytes, berth::lent_buffer* whole = nullptr);
    /// Its connection ended, and so does its allocation.
    void client_is_gone(const client_address& client) { end(client, "closed"); }
    [[nodiscard]] bool has_allocation(const client_address& client) const { return find(client) != nullptr; }
    /// Once every limits::tick.
    void tick();
    void end_all(std::string_view why);

    // --- for its parts ---
    [[nodiscard]] coarse_time now() const noexcept { return now_; }
    [[nodiscard]] world& shared() const noexcept { return shared_; }
    [[nodiscard]] berth::io_context& context() const noexcept { return context_; }
    [[nodiscard]] shard_counters& counters() noexcept { return counters_; }
    [[nodiscard]] const shard_counters& counters() const noexcept { return counters_; }
    [[nodiscard]] transaction_id next_transaction() noexcept;

private:
    /// A request that is being answered.
    struct request {
        const stun_message& message;
        const client_address& client;
        allocation* known = nullptr;  ///< the client's allocation
        allocation::owner who{};      ///< once it is authenticated
        std::optional<integrity> how{};
    };
    using answer_room = std::array<std::uint8_t, 1024>;

    void answer(const stun_message& message, const client_address& client);
    void binding(request& r);
    void allocate(request& r);
    void refresh(request& r);
    void create_permission(request& r);
    void channel_bind(request& r);

    /// False: it was answered that it is not.
    bool is_authenticated(request& r);
    bool knows_all(request& r);
    bool may_reach(request& r, const std::optional<asio::ip::udp::endpoint>& peer);

    // Of allocate: false, or nothing: it was answered.
    bool makes_sense(request& r);
    bool draw_ports(request& r, allocation& made, std::optional<port_token>& kept, std::uint16_t& missing_family);
    std::shared_ptr<relayed_port> open(std::size_t block, berth::bound_port port, allocation& made);
    void answer_allocated(request& r, allocation& made, std::uint32_t lifetime, const std::optional<port_token>& kept,
                          std::uint16_t missing_family);

    void succeed(request& r, stun_writer& answer);
    void refuse(request& r, std::uint16_t code, std::string_view reason, bool challenge = false);
    void finish(request& r, stun_writer& answer);
    [[nodiscard]] std::uint32_t lifetime_for(const stun_message& message) const;

    [[nodiscard]] allocation* find(const client_address& client) const {
        const auto found = allocations_.find(client);
        return found == allocations_.end() ? nullptr : found->second.get();
    }
    void end(const client_address& client, std::string_view why);
    void wait_for(allocation& a);
    void log_made(const allocation& a) const;
    void log_ended(const allocation& a, std::string_view why) const;

    berth::io_context& context_;
    world& shared_;
    shard_counters counters_;
    coarse_time now_;
    source_budget budget_;
    transaction_id transaction_{};
    expiry_wheel wheel_;
    std::unordered_map<client_address, std::unique_ptr<allocation>, client_hash> allocations_;
};

}  // namespace relay
