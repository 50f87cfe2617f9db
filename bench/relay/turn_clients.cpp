// See turn_clients.hpp.
#include "relay/turn_clients.hpp"

#include "byte_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace berth::bench {
namespace {

using relay::attribute;
using relay::stun_method;

constexpr nanoseconds repeat_after = 200'000'000;
constexpr std::uint8_t and_keep_the_next = 0x80;

bool is_success(const relay::stun_message& answer) { return answer.kind() == relay::message_class::success; }

relay::transaction_id name_of(std::uint64_t transaction) {
    relay::transaction_id name{0xbe, 0x27, 0x11};
    std::memcpy(&name[4], &transaction, sizeof transaction);
    return name;
}

std::uint16_t relayed_port_of(const relay::stun_message& answer) {
    const auto relayed = answer.address(attribute::xor_relayed_address);
    return relayed ? relayed->port() : std::uint16_t{0};
}

}  // namespace

int error_of(const relay::stun_message& answer) {
    const relay::attribute_view* const error = answer.find(attribute::error_code);
    return error == nullptr || error->value.size() < 4 ? 0 : error->value[2] * 100 + error->value[3];
}

std::string exchange_outcome::complaints() const {
    std::string text;
    for (const auto& [number, times] : refused)
        text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", times, number);
    return text;
}

turn_clients::turn_clients(std::uint16_t server_port, const account& who, nanoseconds patience, std::size_t largest)
    : account_(&who), patience_(patience), crowd_(server_port, largest) {}

client_range turn_clients::newcomers(std::uint32_t count) {
    const client_range who{static_cast<std::uint32_t>(clients_.size()), count};
    clients_.resize(clients_.size() + count);
    return who;
}

void turn_clients::send(std::uint32_t number, const request& what) {
    std::array<std::uint8_t, 512> room;
    client& c = clients_[number];
    c.transaction = ++transactions_;
    relay::stun_writer message(room, relay::message_class::request, what.method, name_of(c.transaction));
    what.write(number, message);
    c.sent = now();
    crowd_.send(number, message.bytes());
}

exchange_outcome turn_clients::exchange(client_range who, recorder* latency, const request& what) {
    exchange_outcome outcome;
    const nanoseconds start = now();
    nanoseconds heard = start;
    const std::uint32_t end = who.first + who.count;
    std::uint32_t next = who.first, under_way = 0, ended = 0;
    while (ended < who.count) {
        for (; next < end && under_way < window_; ++next, ++under_way) send(next, what);
        crowd_.flush();
        const unsigned came = crowd_.receive([&](std::uint32_t number, relay::bytes_view datagram) {
            if (number >= clients_.size() || clients_[number].transaction == 0) return;
            const auto answer = relay::stun_message::parse(datagram);
            client& c = clients_[number];
            if (!answer || answer->transaction() != name_of(c.transaction)) return;
            heard = now();
            if (latency != nullptr) latency->record(heard - c.sent);
            c.transaction = 0;
            --under_way;
            ++ended;
            if (what.take(c, *answer))
                ++outcome.done;
            else
                ++outcome.refused[error_of(*answer)];
        });
        if (came > 0) continue;
        const nanoseconds at_now = now();
        if (at_now - heard > patience_) throw server_silent("it stopped answering");
        if (at_now - heard < repeat_after) continue;
        for (std::uint32_t number = who.first; number < next; ++number) {
            if (clients_[number].transaction == 0 || at_now - clients_[number].sent < repeat_after) continue;
            send(number, what);
            ++outcome.repeated;
        }
    }
    outcome.duration = now() - start;
    return outcome;
}

exchange_outcome turn_clients::ping(client_range who, recorder* latency) {
    return exchange(who, latency,
                    {stun_method::binding, [](std::uint32_t, relay::stun_writer&) {},
                     [](client&, const relay::stun_message& answer) { return is_success(answer); }});
}

exchange_outcome turn_clients::challenge(client_range who, recorder* latency) {
    return exchange(
        who, latency,
        {stun_method::allocate,
         [](std::uint32_t, relay::stun_writer& to) { to.add(attribute::requested_transport, udp_transport); },
         [](client& c, const relay::stun_message& answer) {
             c.nonce = answer.text(attribute::nonce).value_or("");
             return error_of(answer) == 401 && !c.nonce.empty();
         }});
}

exchange_outcome turn_clients::allocate(client_range who, bool pair, recorder* latency) {
    return exchange(who, latency,
                    {stun_method::allocate,
                     [&](std::uint32_t number, relay::stun_writer& to) {
                         to.add(attribute::requested_transport, udp_transport);
                         if (pair) to.add(attribute::even_port, relay::bytes_view(&and_keep_the_next, 1));
                         account_->sign(to, relay::bytes_of(clients_[number].nonce));
                     },
                     [&](client& c, const relay::stun_message& answer) {
                         c.relayed_port = relayed_port_of(answer);
                         const relay::attribute_view* const token = answer.find(attribute::reservation_token);
                         const bool is_kept = token != nullptr && token->value.size() == c.token.size();
                         if (is_kept) std::copy(token->value.begin(), token->value.end(), c.token.begin());
                         return is_success(answer) && c.relayed_port != 0 && is_kept >= pair;
                     }});
}

exchange_outcome turn_clients::claim(client_range firsts, client_range seconds, recorder* latency) {
    return exchange(seconds, latency,
                    {stun_method::allocate,
                     [&](std::uint32_t number, relay::stun_writer& to) {
                         const client& first = clients_[firsts.first + (number - seconds.first)];
                         to.add(attribute::requested_transport, udp_transport);
                         to.add(attribute::reservation_token, first.token);
                         account_->sign(to, relay::bytes_of(clients_[number].nonce));
                     },
                     [](client& c, const relay::stun_message& answer) {
                         c.relayed_port = relayed_port_of(answer);
                         return is_success(answer);
                     }});
}

exchange_outcome turn_clients::release(client_range who, recorder* latency) {
    return exchange(who, latency,
                    {stun_method::refresh,
                     [&](std::uint32_t number, relay::stun_writer& to) {
                         to.add(attribute::lifetime, 0U);
                         account_->sign(to, relay::bytes_of(clients_[number].nonce));
                     },
                     [](client& c, const relay::stun_message& answer) {
                         c.relayed_port = 0;
                         return is_success(answer);
                     }});
}

exchange_outcome turn_clients::bind_channel(client_range who, std::uint16_t channel, std::uint16_t peer_port) {
    return exchange(who, nullptr,
                    {stun_method::channel_bind,
                     [&](std::uint32_t number, relay::stun_writer& to) {
                         to.add(attribute::channel_number, std::uint32_t{channel} << 16);
                         to.add_address(attribute::xor_peer_address, {asio::ip::address_v4::loopback(), peer_port});
                         account_->sign(to, relay::bytes_of(clients_[number].nonce));
                     },
                     [](client&, const relay::stun_message& answer) { return is_success(answer); }});
}

}  // namespace berth::bench
