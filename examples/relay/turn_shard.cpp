// See turn_shard.hpp. What concerns any message and any answer; turn_requests.cpp and turn_allocate.cpp have the
// methods.
#include "turn_shard.hpp"

#include "channel_data.hpp"

#include <algorithm>
#include <cstring>

namespace relay {
namespace {

std::size_t random_word() {
    std::array<std::uint8_t, sizeof(std::size_t)> bytes{};
    fill_randomly(bytes);
    std::size_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
}

std::string relayed_by(const allocation& a) {
    std::string all;
    for (const auto& port : a.relayed) {
        if (!port) continue;
        const auto at = port->address();
        const std::string host =
            at.address().is_v6() ? '[' + at.address().to_string() + ']' : at.address().to_string();
        all += (all.empty() ? "" : ",") + host + ':' + std::to_string(at.port());
    }
    return all;
}

}  // namespace

turn_shard::turn_shard(berth::io_context& context, world& shared)
    : context_(context),
      shared_(shared),
      now_(std::chrono::steady_clock::now()),
      budget_(shared.limit.refusals_a_second),
      allocations_(16, client_hash{random_word()}) {
    fill_randomly(transaction_);
}

// An indication's name need not be guessed by nobody, only be another one each time.
transaction_id turn_shard::next_transaction() noexcept {
    for (std::size_t i = transaction_.size(); i-- > 0 && ++transaction_[i] == 0;) {
    }
    return transaction_;
}

void turn_shard::from_client(const client_address& client, bytes_view bytes, berth::lent_buffer* whole) {
    if (!bytes.empty() && (bytes[0] & 0xC0) == 0x40) {
        const auto data = parse_channel_data(bytes);
        if (!data) return counters_.count(drop::malformed);
        if (allocation* const a = find(client)) return a->to_peer(*data, whole);
        return counters_.count(drop::no_allocation);
    }
    const auto message = stun_message::parse(bytes);
    if (!message) return counters_.count(drop::malformed);
    if (message->kind() == message_class::request) return answer(*message, client);
    if (message->kind() != message_class::indication || message->method() != stun_method::send)
        return counters_.count(drop::unexpected);
    allocation* const a = find(client);
    if (a == nullptr) return counters_.count(drop::no_allocation);
    const auto all = message->attributes();
    if (std::any_of(all.begin(), all.end(), [](const auto& one) { return is_unknown_and_required(one.type); }))
        return counters_.count(drop::unexpected);
    a->to_peer(*message, whole);
}

void turn_shard::answer(const stun_message& message, const client_address& client) {
    request r{message, client, find(client)};
    if (message.method() == stun_method::binding) return binding(r);
    switch (message.method()) {
        case stun_method::allocate:
        case stun_method::refresh:
        case stun_method::create_permission:
        case stun_method::channel_bind:
            break;
        default:
            return refuse(r, 400, "Bad Request");
    }
    if (!is_authenticated(r) || !knows_all(r)) return;
    if (message.method() == stun_method::allocate) return allocate(r);
    if (r.known == nullptr) return refuse(r, 437, "Allocation Mismatch");
    switch (message.method()) {
        case stun_method::refresh:
            return refresh(r);
        case stun_method::create_permission:
            return create_permission(r);
        default:
            return channel_bind(r);
    }
}

// RFC 8489, 9.2.4. A name that nobody has is compared as well, so that the time says nothing of it.
bool turn_shard::is_authenticated(request& r) {
    const auto how = protection_of(r.message);
    if (!how) return refuse(r, 401, "Unauthorized", true), false;
    const auto name = r.message.text(attribute::username);
    const auto nonce = r.message.text(attribute::nonce);
    if (!name || !nonce || !r.message.has(attribute::realm)) return refuse(r, 400, "Bad Request"), false;
    const nonce_source::time second(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count()));
    if (!shared_.nonces.is_good(*nonce, r.client.remote, second)) return refuse(r, 438, "Stale Nonce", true), false;

    allocation::owner who;
    const bool is_known = r.known != nullptr && r.known->user.name == *name;
    if (is_known) {
        who = r.known->user;
    } else {
        const auto found = shared_.users.find(*name, std::chrono::system_clock::now());
        if (found)
            who = {std::string(*name), found->key, found->counted_as};
        else
            fill_randomly(who.key);
    }
    if (!is_authentic(r.message, who.key)) return refuse(r, 401, "Unauthorized", true), false;
    r.who = std::move(who);
    r.how = how;
    if (r.known != nullptr && !is_known) return refuse(r, 441, "Wrong Credentials"), false;
    return true;
}

bool turn_shard::knows_all(request& r) {
    std::array<std::uint8_t, 32> types{};
    std::size_t size = 0;
    for (const attribute_view& one : r.message.attributes()) {
        if (!is_unknown_and_required(one.type) || size == types.size()) continue;
        types[size] = static_cast<std::uint8_t>(one.type >> 8);
        types[size + 1] = static_cast<std::uint8_t>(one.type);
        size += 2;
    }
    if (size == 0) return true;
    if (!r.how && !budget_.spend(r.client.remote.address(), now_)) return counters_.count(drop::over_budget), false;
    answer_room room;
    stun_writer answer(room, message_class::error, r.message.method(), r.message.transaction());
    answer.add_error(420, "Unknown Attribute");
    answer.add(attribute::unknown_attributes, bytes_view(types.data(), size));
    counters_.count_error(420);
    finish(r, answer);
    return false;
}

// A source may be forged until it has sent back a nonce: how often it is answered is bounded, and so is how much.
void turn_shard::refuse(request& r, std::uint16_t code, std::string_view reason, bool challenge) {
    if (!r.how && !budget_.spend(r.client.remote.address(), now_)) return counters_.count(drop::over_budget);
    answer_room room;
    stun_writer answer(room, message_class::error, r.message.method(), r.message.transaction());
    answer.add_error(code, reason);
    if (challenge) {
        const nonce_source::time second(static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count()));
        answer.add(attribute::realm, shared_.users.realm());
        answer.add(attribute::nonce, shared_.nonces.make(r.client.remote, second));
    }
    if (code == 300) answer.add_plain_address(attribute::alternate_server, *shared_.alternate_server);
    counters_.count_error(code);
    finish(r, answer);
}

void turn_shard::succeed(request& r, stun_writer& answer) {
    counters_.answers.add();
    finish(r, answer);
}

void turn_shard::finish(request& r, stun_writer& answer) {
    if (r.how) answer.add_integrity(r.who.key, *r.how);
    if (r.message.has(attribute::fingerprint)) answer.add_fingerprint();
    if (!answer.is_complete() || !r.client.sink->send(r.client.remote, answer.bytes(), {}, 0))
        counters_.count(drop::slow_client);
}

void turn_shard::tick() {
    now_ = std::chrono::steady_clock::now();
    wheel_.tick([this](wheel_entry& entry) {
        auto& a = static_cast<allocation&>(entry);
        if (a.expires <= now_) return end(client_address(a.client()), "expired");
        a.peers.prune(now_);
        wait_for(a);
    });
}

void turn_shard::wait_for(allocation& a) {
    const auto ticks = (a.expires - now_) / shared_.limit.tick + 1;
    wheel_.add(a,
               static_cast<std::size_t>(std::clamp<std::int64_t>(ticks, 1, 60)));  // sixty ticks at most, to prune it
}

void turn_shard::end(const client_address& client, std::string_view why) {
    const auto found = allocations_.find(client);
    if (found == allocations_.end()) return;
    const std::unique_ptr<allocation> ended = std::move(found->second);
    allocations_.erase(found);
    counters_.allocations_ended.add();
    shared_.allocations.fetch_sub(1);
    log_ended(*ended, why);
}

void turn_shard::end_all(std::string_view why) {
    while (!allocations_.empty()) end(client_address(allocations_.begin()->first), why);
}

void turn_shard::log_made(const allocation& a) const {
    shared_.log.info("allocation_created", {{"user", a.user.name},
                                            {"client", a.client().remote},
                                            {"over", a.client().sink->name()},
                                            {"relayed", relayed_by(a)}});
}

void turn_shard::log_ended(const allocation& a, std::string_view why) const {
    const auto& passed = a.passed();
    shared_.log.info("allocation_ended", {{"user", a.user.name},
                                          {"client", a.client().remote},
                                          {"why", why},
                                          {"relayed", relayed_by(a)},
                                          {"to_peers_bytes", passed.to_peers},
                                          {"to_peers_datagrams", passed.to_peers_datagrams},
                                          {"to_clients_bytes", passed.to_clients},
                                          {"to_clients_datagrams", passed.to_clients_datagrams},
                                          {"seconds", std::chrono::steady_clock::now() - a.made_at}});
}

}  // namespace relay
