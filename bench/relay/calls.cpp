// See calls.hpp.
#include "relay/calls.hpp"

#include "channel_data.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace berth::bench {
namespace {

constexpr nanoseconds every = 20'000'000;
constexpr std::size_t voice = 160;  // bytes
constexpr nanoseconds patience = 5'000'000'000;

}  // namespace

calls::calls(std::uint16_t server_port, const account& who, std::uint32_t count)
    : clients_(server_port, who, patience),
      who_(clients_.newcomers(count)),
      peer_(2048),
      datagram_(relay::channel_header_size + voice),
      due_(count) {
    clients_.set_window(16);
    if (clients_.challenge(who_).done != count || clients_.allocate(who_).done != count ||
        clients_.bind_channel(who_, relay::first_channel, peer_.port()).done != count)
        throw std::runtime_error("honest clients are refused");
    const auto header = relay::channel_header(relay::first_channel, voice);
    std::copy(header.begin(), header.end(), datagram_.begin());
    const nanoseconds start = now();
    for (std::uint32_t i = 0; i < count; ++i) due_[i] = start + every * i / count;
}

void calls::start_counting() {
    ++round_;
    sent_ = 0;
    latency_ = recorder();
}

void calls::turn() {
    const nanoseconds at = now();
    for (std::uint32_t i = 0; i < who_.count; ++i) {
        if (due_[i] > at) continue;
        due_[i] = std::max(due_[i] + every, at);  // a load generator that was late does not make up for it in bursts
        const stamp mark{at, round_};
        std::memcpy(&datagram_[relay::channel_header_size], &mark, sizeof mark);
        clients_.wire().send(who_.first + i, datagram_);
        ++sent_;
    }
    clients_.wire().flush();
    take();
}

void calls::take() {
    peer_.turn();
    clients_.wire().receive([&](std::uint32_t, relay::bytes_view datagram) {
        const auto data = relay::parse_channel_data(datagram);
        stamp mark;
        if (!data || data->payload.size() != voice) return;
        std::memcpy(&mark, data->payload.data(), sizeof mark);
        if (mark.round == round_) latency_.record(now() - mark.sent);
    });
}

void calls::hang_up() {
    const nanoseconds start = now();
    while (arrived() < sent_ && now() - start < 1'000'000'000) take();
}

}  // namespace berth::bench
