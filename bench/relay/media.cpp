// See media.hpp.
#include "relay/media.hpp"

#include "channel_data.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace berth::bench {
namespace {

constexpr std::uint16_t channel = relay::first_channel;
constexpr nanoseconds lost_after = 100'000'000;  // a server may have to wait for its core

}  // namespace

media::media(turn_clients& clients, client_range who, std::size_t size, unsigned window)
    : clients_(&clients), who_(who), window_(window), peer_(2048), datagram_(relay::channel_header_size + size) {
    if (size < sizeof(stamp)) throw std::logic_error("a payload without room for its stamp");
    const auto header = relay::channel_header(channel, size);
    std::copy(header.begin(), header.end(), datagram_.begin());
    const exchange_outcome bound = clients.bind_channel(who, channel, peer_.port());
    if (bound.done != who.count) throw std::runtime_error("channels refused: " + bound.complaints());
}

void media::send(std::uint32_t client, nanoseconds at) {
    const stamp mark{at, slice_};
    std::memcpy(&datagram_[relay::channel_header_size], &mark, sizeof mark);
    clients_->wire().send(client, datagram_);
}

media_outcome media::run(nanoseconds duration, recorder& latency) {
    media_outcome outcome;
    ++slice_;
    const nanoseconds start = now();
    nanoseconds heard = start;
    std::uint64_t under_way = 0;
    const auto begin = [&](nanoseconds at) {
        for (unsigned i = 0; i < window_; ++i)
            for (std::uint32_t n = 0; n < who_.count; ++n, ++under_way) send(who_.first + n, at);
        clients_->wire().flush();
    };
    begin(start);
    while (under_way > 0) {
        nanoseconds at = now();
        const unsigned echoed = peer_.turn();
        const unsigned came = clients_->wire().receive([&](std::uint32_t client, relay::bytes_view datagram) {
            const auto data = relay::parse_channel_data(datagram);
            if (!data || data->channel != channel || datagram.size() < datagram_.size()) return;
            stamp mark;
            std::memcpy(&mark, data->payload.data(), sizeof mark);
            if (mark.slice != slice_ || under_way == 0) return;  // thought lost in an earlier slice
            latency.record(at - mark.sent);
            outcome.done += 2;
            --under_way;
            if (at - start >= duration) return;
            send(client, at);
            ++under_way;
        });
        clients_->wire().flush();
        if (came + echoed > 0) {
            heard = at;
            continue;
        }
        if (at - heard < lost_after) continue;
        outcome.lost += under_way;
        under_way = 0;
        ++slice_;
        if (outcome.done == 0) throw server_silent("it relayed nothing");
        if (at - start < duration) begin(at);
        heard = at;
    }
    return outcome;
}

}  // namespace berth::bench
