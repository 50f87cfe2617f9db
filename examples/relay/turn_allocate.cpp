// Allocate: RFC 8656, 7.2, in the order of its checks. See turn_shard.hpp.
#include "turn_shard.hpp"

namespace relay {
namespace {

constexpr std::uint32_t family_ipv4 = 1, family_ipv6 = 2;
constexpr std::uint32_t protocol_udp = 17;

}  // namespace

void turn_shard::allocate(request& r) {
    if (r.known != nullptr) {
        if (r.known->made_by != r.message.transaction()) return refuse(r, 437, "Allocation Mismatch");
        counters_.answers.add();  // it comes again: the same answer
        if (!r.client.sink->send(r.client.remote, r.known->answer, {}, 0)) counters_.count(drop::slow_client);
        return;
    }
    if (!makes_sense(r)) return;
    if (shared_.is_draining.load(std::memory_order_relaxed))
        return shared_.alternate_server ? refuse(r, 300, "Try Alternate") : refuse(r, 508, "Shutting Down");

    auto made = std::make_unique<allocation>(*this, r.client);
    made->user = r.who;
    std::optional<port_token> kept;
    std::uint16_t missing_family = 0;
    if (!draw_ports(r, *made, kept, missing_family)) return;

    const std::uint32_t lifetime = lifetime_for(r.message);
    made->made_by = r.message.transaction();
    made->made_at = now_;
    made->expires = now_ + std::chrono::seconds(lifetime);
    allocation& entered = *allocations_.emplace(r.client, std::move(made)).first->second;
    wait_for(entered);
    counters_.allocations_made.add();
    shared_.allocations.fetch_add(1);
    log_made(entered);
    answer_allocated(r, entered, lifetime, kept, missing_family);
}

bool turn_shard::makes_sense(request& r) {
    const stun_message& m = r.message;
    const auto transport = m.number(attribute::requested_transport);
    if (!transport) return refuse(r, 400, "Bad Request"), false;
    if (*transport >> 24 != protocol_udp) return refuse(r, 442, "Unsupported Transport Protocol"), false;

    const bool has_token = m.has(attribute::reservation_token);
    const auto family = m.number(attribute::requested_address_family);
    const auto additional = m.number(attribute::additional_address_family);
    const attribute_view* const even = m.find(attribute::even_port);
    const bool wants_next = even != nullptr && (even->value[0] & 0x80) != 0;
    if ((has_token && (even != nullptr || family || additional)) || (additional && (family || wants_next)) ||
        (additional && *additional >> 24 != family_ipv6))
        return refuse(r, 400, "Bad Request"), false;
    const std::uint32_t asked = family ? *family >> 24 : family_ipv4;
    const bool is_there = (asked == family_ipv4 || asked == family_ipv6) && shared_.block_of(asked == family_ipv6);
    if (!has_token && !is_there) return refuse(r, 440, "Address Family not Supported"), false;
    return true;
}

// False: it was answered that there is none.
bool turn_shard::draw_ports(request& r, allocation& made, std::optional<port_token>& kept,
                            std::uint16_t& missing_family) {
    const stun_message& m = r.message;
    berth::error_code ec;
    if (const attribute_view* const token = m.find(attribute::reservation_token)) {
        auto brought = shared_.kept.take(token->value, r.who.counted_as, now_);
        made.counted = std::move(brought.counted);
        if (brought.port) made.relayed[0] = open(brought.block, std::move(brought.port), made);
    } else {
        const auto family = m.number(attribute::requested_address_family);
        const std::size_t at = *shared_.block_of(family && *family >> 24 == family_ipv6);
        relay_block& block = shared_.blocks[at];
        const attribute_view* const even = m.find(attribute::even_port);
        const bool wants_next = even != nullptr && (even->value[0] & 0x80) != 0;
        berth::quota_hold of_next;
        made.counted = shared_.quotas.take(r.who.counted_as, ec);
        if (!ec && wants_next) of_next = shared_.quotas.take(r.who.counted_as, ec);
        if (ec) return refuse(r, 486, "Allocation Quota Reached"), false;
        if (even == nullptr) {
            if (auto port = block.take(ec)) made.relayed[0] = open(at, std::move(port), made);
        } else if (!wants_next) {
            if (auto port = block.take_even(ec)) made.relayed[0] = open(at, std::move(port), made);
        } else if (auto pair = block.take_pair(ec); pair[0]) {
            made.relayed[0] = open(at, std::move(pair[0]), made);
            if (made.relayed[0])
                kept = shared_.kept.keep(std::move(pair[1]), at, r.who.counted_as, std::move(of_next), now_);
        }
    }
    if (!made.relayed[0]) return refuse(r, 508, "Insufficient Capacity"), false;

    if (m.has(attribute::additional_address_family)) {
        const auto at = shared_.block_of(true);
        if (!at) return missing_family = 440, true;
        if (auto port = shared_.blocks[*at].take(ec)) made.relayed[1] = open(*at, std::move(port), made);
        if (!made.relayed[1]) missing_family = 508;
    }
    return true;
}

std::shared_ptr<relayed_port> turn_shard::open(std::size_t block, berth::bound_port port, allocation& made) {
    berth::error_code ec;
    auto opened = made.open(context_, shared_.blocks[block], std::move(port), ec);
    if (ec) shared_.log.error("relayed_port_failed", {{"error", ec}});
    return opened;
}

void turn_shard::answer_allocated(request& r, allocation& made, std::uint32_t lifetime,
                                  const std::optional<port_token>& kept, std::uint16_t missing_family) {
    answer_room room;
    stun_writer answer(room, message_class::success, stun_method::allocate, r.message.transaction());
    for (const auto& port : made.relayed) {
        if (port) answer.add_address(attribute::xor_relayed_address, port->address());
    }
    answer.add(attribute::lifetime, lifetime);
    answer.add_address(attribute::xor_mapped_address, r.client.remote);
    if (kept) answer.add(attribute::reservation_token, bytes_view(*kept));
    if (missing_family != 0) {
        answer.add_address_error(2, missing_family,
                                 missing_family == 440 ? "Address Family not Supported" : "Insufficient Capacity");
    }
    succeed(r, answer);
    made.answer.assign(answer.bytes().begin(), answer.bytes().end());
}

}  // namespace relay
