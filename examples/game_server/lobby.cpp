// Joins in, cookies, places and refusals out; none larger than the join.
#include "lobby.hpp"

#include <asio/post.hpp>

#include <algorithm>
#include <string>

namespace game {
namespace {

constexpr std::size_t most_served = 200'000;  // joins that are remembered; at most some 10 MB

std::uint64_t join_id(std::uint64_t match, const udp_endpoint& who, std::uint32_t nonce) noexcept {
    std::uint64_t mixed = match;
    const auto mix = [&](std::uint64_t n) { mixed = (mixed ^ n) * 0x9E3779B97F4A7C15U, mixed ^= mixed >> 29; };
    mix(std::uint64_t{nonce} << 16 | who.port());
    mix(std::hash<asio::ip::address>()(who.address()));
    return mixed;
}

// Whoever has an IPv6 address has all of its /64.
std::string quota_key(const asio::ip::address& address) {
    if (address.is_v4()) return address.to_string();
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
    auto bytes = v6.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return asio::ip::address_v6(bytes).to_string();
}

}  // namespace

lobby::lobby(berth::shards& on, std::vector<std::unique_ptr<match_shard>>& matches, const lobby_options& options,
             berth::quotas& per_address, const cookie_jar& jar, game_metrics& metrics, berth::service::logger& log)
    : on_(on),
      matches_(matches),
      options_(options),
      quotas_(per_address),
      jar_(jar),
      metrics_(metrics),
      log_(log),
      no_port_(log, berth::service::severity::warning, "no_port_for_a_match"),
      over_quota_(log, berth::service::severity::info, "address_over_its_quota"),
      socket_(on[0], options.at.protocol()),
      writer_(socket_),
      again_(on[0]) {
    socket_.bind(options.at);
    socket_.receive_details(berth::datagram_details::destination);
    for (auto& shard : matches_) shard->tell(news());
    asio::post(on_[0], [this] { receive(); });
}

match_news lobby::news() {
    match_news n;
    n.opened = [this](std::uint64_t serial, std::optional<udp_endpoint> at) {
        const auto found = open_.find(serial);
        if (found == open_.end()) return;
        record& match = found->second;
        log_.debug("match_opened", {{"match", match.id}, {"port", at ? at->port() : 0}, {"shard", match.shard}});
        if (at) {
            match.at = at;
            for (const seat& s : match.seats) give_place(match, s);
        } else {
            no_port_({{"match", match.id}});
            for (const seat& s : match.seats) refuse(s.nonce, s.who, why::no_port);
            serial_of_.erase(match.id);
            open_.erase(found);
            drained_if_empty();
        }
    };
    n.gone = [this](std::uint64_t serial, const std::vector<std::uint16_t>& players) {
        if (const auto found = open_.find(serial); found != open_.end()) {
            std::erase_if(found->second.seats, [&](const seat& s) {
                if (std::find(players.begin(), players.end(), s.player) == players.end()) return false;
                remember_join(found->second.id, s);
                return true;
            });
        }
    };
    n.ended = [this](std::uint64_t serial, why reason) {
        const auto found = open_.find(serial);
        if (found == open_.end()) return;
        log_.debug("match_ended", {{"match", found->second.id}, {"why", reason}});
        for (const seat& s : found->second.seats) remember_join(found->second.id, s);
        serial_of_.erase(found->second.id);
        open_.erase(found);
        drained_if_empty();
    };
    return n;
}

void lobby::receive() {
    socket_.async_receive_each([this](berth::error_code ec, berth::datagram d) {
        if (ec == asio::error::operation_aborted) return;
        if (ec) {  // none that ends the lobby but its own end: e.g. a want of memory
            again_.expires_after(std::chrono::milliseconds(20));
            return again_.async_wait([this](berth::error_code cancelled) {
                if (!cancelled) receive();
            });
        }
        const std::span bytes(static_cast<const std::byte*>(d.payload.buffer().data()), d.payload.size());
        const auto parsed = parse(bytes);
        const auto* const asked = parsed ? std::get_if<join>(&*parsed) : nullptr;
        if (asked == nullptr) return metrics_.lobby_malformed.add();
        answer(*asked, d.source, d.destination);
    });
}

void lobby::answer(const join& asked, const udp_endpoint& who, const asio::ip::address& came_to) {
    const auto now = clock::now();
    if (!jar_.is_good(asked.cookie, who, now)) {
        metrics_.cookies.add();
        return send(cookie{asked.nonce, jar_.cookie_for(who, now)}, who);
    }
    if (was_served(join_id(asked.match, who, asked.nonce))) return;
    const auto known = serial_of_.find(asked.match);
    if (known == serial_of_.end()) {
        return drained_ ? refuse(asked.nonce, who, why::draining) : open(asked, who, came_to);
    }
    record& match = open_.at(known->second);
    const auto same = std::find_if(match.seats.begin(), match.seats.end(),
                                   [&](const seat& s) { return s.who == who && s.nonce == asked.nonce; });
    if (same != match.seats.end()) {
        if (match.at) give_place(match, *same);
        return;
    }
    if (drained_) return refuse(asked.nonce, who, why::draining);
    if (match.seats.size() >= options_.most_players) return refuse(asked.nonce, who, why::full);
    const seat added{who, asked.nonce, match.next_player++, jar_.ticket(++ticket_), came_to};
    match.seats.push_back(added);
    matches_[match.shard]->admit(known->second, added.player, added.ticket);
    if (match.at) give_place(match, added);
}

void lobby::open(const join& asked, const udp_endpoint& who, const asio::ip::address& came_to) {
    berth::error_code ec;
    auto hold = quotas_.take(quota_key(who.address()), ec);
    if (ec) {
        over_quota_({{"address", who.address()}});
        return refuse(asked.nonce, who, why::quota);
    }
    const std::uint64_t serial = ++serial_;
    const std::size_t shard = serial % matches_.size();
    const seat first{who, asked.nonce, 1, jar_.ticket(++ticket_), came_to};
    open_.emplace(serial, record{asked.match, shard, std::nullopt, 2, {first}, std::move(hold)});
    serial_of_.emplace(asked.match, serial);
    matches_[shard]->open(serial, asked.match, first.player, first.ticket, clock::now());
}

void lobby::give_place(const record& match, const seat& to) {
    asio::ip::address at = match.at->address();
    if (at.is_unspecified()) at = to.came_to;
    if (options_.advertise) at = *options_.advertise;
    metrics_.places.add();
    send(place{to.nonce, to.ticket, to.player, {at, match.at->port()}}, to.who);
}

void lobby::refuse(std::uint32_t nonce, const udp_endpoint& who, why reason) {
    metrics_.refusals.add();
    send(refused{nonce, reason}, who);
}

void lobby::send(const packet& p, const udp_endpoint& to) {
    std::array<std::byte, largest_packet> out;
    writer_.send(asio::buffer(out.data(), write(out, p)), to);
}

void lobby::remember_join(std::uint64_t match, const seat& of) {
    const std::uint64_t id = join_id(match, of.who, of.nonce);
    if (served_.insert(id).second) served_in_order_.emplace_back(clock::now(), id);
}

bool lobby::was_served(std::uint64_t id) {
    const auto old = clock::now() - std::chrono::seconds(10);
    while (!served_in_order_.empty() &&
           (served_in_order_.front().first < old || served_in_order_.size() > most_served)) {
        served_.erase(served_in_order_.front().second);
        served_in_order_.pop_front();
    }
    return served_.contains(id);
}

void lobby::drain(std::function<void()> done) {
    log_.info("lobby_refuses", {{"matches_open", open_.size()}});
    drained_ = std::move(done);
    drained_if_empty();
}

void lobby::drained_if_empty() {
    if (drained_ && open_.empty()) drained_();
}

}  // namespace game
