// The client's side of the protocol: everything is said again until it is answered.
#include "bot.hpp"

#include <berth/cancel_after.hpp>
#include <berth/steady_timer.hpp>

#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>

namespace game {
namespace {

using namespace std::chrono_literals;
using asio::awaitable;
constexpr auto again = 30ms;  // until a request is said again

std::uint8_t move_of(std::uint64_t match, std::uint16_t player, std::uint32_t n) noexcept {
    std::uint64_t mixed = (match * 0x9E3779B97F4A7C15U + player) * 0xBF58476D1CE4E5B9U + n;
    mixed ^= mixed >> 31;
    return static_cast<std::uint8_t>(mixed * 0x94D049BB133111EBU >> 56);
}

}  // namespace

awaitable<void> bot::play() {
    const bool has_place = co_await find_place();  // one by one: g++ 12 loses its way in longer conditions
    if (!has_place) co_return;
    ++counts_.ports[place_.at.port()];
    const bool has_entered = co_await enter_match();
    if (!has_entered) co_return;
    const bool has_played = co_await send_inputs();
    if (!has_played) co_return;
    co_await leave_match();
    ++counts_.played;
    if (options_.stalk.count() > 0) co_await stalk();
}

awaitable<bool> bot::find_place() {
    const auto begun = clock::now();
    while (clock::now() - begun < options_.patience) {
        send(join{nonce_, match_, cookie_}, options_.lobby);
        const auto answer = co_await receive(options_.lobby, again);
        if (!answer) continue;
        if (size_ > requested_) fault("the lobby's answer is larger than the join");
        if (const auto* const p = std::get_if<cookie>(&*answer); p != nullptr && p->nonce == nonce_)
            cookie_ = p->value;
        if (const auto* const p = std::get_if<place>(&*answer); p != nullptr && p->nonce == nonce_) {
            place_ = *p;
            counts_.last_place = p->at.address().to_string() + ":" + std::to_string(p->at.port());
            co_return true;
        }
        if (const auto* const p = std::get_if<refused>(&*answer); p != nullptr && p->nonce == nonce_) {
            if (p->reason != why::no_port || clock::now() - begun >= options_.retry) {
                ++counts_.refused;
                co_return false;
            }
            co_await pause(again);
        }
    }
    ++counts_.gave_up;
    co_return false;
}

awaitable<bool> bot::enter_match() {
    const auto begun = clock::now();
    while (clock::now() - begun < options_.patience) {
        send(enter{place_.player, place_.ticket, cookie_}, place_.at);
        const auto answer = co_await receive(place_.at, again);
        if (!answer) continue;
        if (const auto* const p = std::get_if<cookie>(&*answer)) {
            if (size_ > requested_) fault("the match's cookie is larger than the enter");
            cookie_ = p->value;
        }
        if (const auto* const p = std::get_if<welcome>(&*answer)) {
            if (p->match != match_ || p->player != place_.player) fault("welcome to another match");
            co_return true;
        }
    }
    ++counts_.gave_up;
    co_return false;
}

inputs bot::all_unacknowledged(std::uint32_t up_to) const {
    inputs p{place_.player, static_cast<std::uint32_t>(place_.ticket), acknowledged_, 0, {}};
    while (p.first + p.count < up_to && p.count < most_moves) {
        p.moves[p.count] = move_of(match_, place_.player, p.first + p.count);
        ++p.count;
    }
    return p;
}

// An input each 16 ms, as a player has them; those without an acknowledgement go along again.
awaitable<bool> bot::send_inputs() {
    const auto begun = clock::now();
    auto progress = begun;
    std::uint32_t made = 0;
    while (acknowledged_ < options_.inputs || clock::now() - begun < options_.hold) {
        if (clock::now() - progress > options_.patience) {
            ++counts_.gave_up;
            co_return false;
        }
        if (made < acknowledged_ + most_moves) ++made;
        send(all_unacknowledged(made), place_.at);
        const auto next = clock::now() + 16ms;
        while (clock::now() < next) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock::now());
            const auto answer = co_await receive(place_.at, std::max(left, 1ms));
            if (!answer) continue;
            if (std::get_if<bye>(&*answer) != nullptr) {
                ++counts_.ended_early;
                co_return false;
            }
            if (const auto* const s = std::get_if<snapshot>(&*answer)) {
                const auto before = acknowledged_;
                check(*s);
                if (acknowledged_ > made) fault("inputs acknowledged that were never sent");
                if (acknowledged_ != before) progress = clock::now();
            }
        }
    }
    co_return true;
}

void bot::check(const snapshot& s) {
    ++counts_.snapshots;
    if (s.match != match_)
        return fault("a snapshot of match " + std::to_string(s.match) + " in " + std::to_string(match_));
    if (s.tick <= tick_) {
        ++counts_.stale;
        return;
    }
    tick_ = s.tick;
    for (std::size_t i = 0; i < s.count; ++i) {
        const player_state& said = s.players[i];
        player_state& mine = known_.try_emplace(said.player, player_state{said.player, 0, 0, 0}).first->second;
        if (said.acknowledged < mine.acknowledged) return fault("inputs were taken back");
        while (mine.acknowledged < said.acknowledged) apply(mine, move_of(match_, said.player, mine.acknowledged));
        if (!(mine == said))
            return fault("player " + std::to_string(said.player) + " is where his inputs do not lead");
        if (said.player == place_.player) {
            counts_.acknowledged += said.acknowledged - acknowledged_;
            acknowledged_ = said.acknowledged;
        }
    }
}

awaitable<void> bot::leave_match() {
    for (int i = 0; i < 10; ++i) {  // who hears no answer has left all the same, after the idle time
        send(leave{place_.player, static_cast<std::uint32_t>(place_.ticket)}, place_.at);
        const auto until = clock::now() + again;
        while (clock::now() < until) {
            const auto answer = co_await receive(place_.at, again);
            if (answer && std::get_if<bye>(&*answer) != nullptr) co_return;
        }
    }
}

awaitable<void> bot::stalk() {
    co_await pause(50ms);  // the match ends at its next tick
    const auto until = clock::now() + options_.stalk;
    while (clock::now() < until) {
        send(all_unacknowledged(acknowledged_ + 1), place_.at);
        ++counts_.stalked;
        if (co_await receive(place_.at, 2ms)) fault("an answer from a match that was left");
    }
}

awaitable<std::optional<packet>> bot::receive(asio::ip::udp::endpoint from, std::chrono::milliseconds within) {
    asio::ip::udp::endpoint source;
    const auto [ec, size] = co_await socket_.async_receive_from(
        asio::buffer(in_), source, berth::cancel_after(within, asio::experimental::as_tuple(asio::use_awaitable)));
    if (ec || source != from || happens(options_.loss)) co_return std::nullopt;
    size_ = size;
    const auto parsed = parse(std::span<const std::byte>(in_).first(size));
    if (!parsed) fault("an answer that is no packet");
    co_return parsed;
}

awaitable<void> bot::pause(std::chrono::milliseconds time) {
    berth::steady_timer timer(socket_.get_executor(), time);
    co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
}

void bot::send(const packet& p, const asio::ip::udp::endpoint& to) {
    std::array<std::byte, largest_packet> out;
    requested_ = write(out, p);
    berth::error_code ignored;  // lost on the way
    for (int copies = happens(options_.loss) ? 0 : happens(options_.duplicates) ? 2 : 1; copies > 0; --copies) {
        socket_.send_to(asio::buffer(out.data(), requested_), to, 0, ignored);
    }
}

void bot::fault(const std::string& what) {
    ++counts_.inconsistent;
    if (counts_.first_fault.empty()) counts_.first_fault = what;
}

}  // namespace game
