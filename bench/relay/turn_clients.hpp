// TURN clients against one server: each has its address in the crowd, its nonce and, if it allocated, a relayed port.
//
// Every verb does one request for each of the clients named, so many under way at a time, and returns when the last
// answer is there: nothing is under way between two of them, so that the server sleeps and its time can be read.
#pragma once

#include "measure/recorder.hpp"
#include "relay/account.hpp"
#include "relay/crowd.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

namespace berth::bench {

struct exchange_outcome {
    std::uint64_t done = 0;      // answered with success
    std::uint64_t repeated = 0;  // requests that were sent once more
    std::map<int, std::uint64_t> refused;
    nanoseconds duration = 0;

    /// "3 x 508", or nothing.
    [[nodiscard]] std::string complaints() const;
};

/// Which clients; they are numbers, and a number used once is never used again.
struct client_range {
    std::uint32_t first = 0, count = 0;
};

class turn_clients {
public:
    turn_clients(std::uint16_t server_port, const account& who, nanoseconds patience, std::size_t largest = 1536);

    /// How many requests are under way at the same time. 1: latency of an idle server.
    void set_window(unsigned requests) { window_ = requests; }

    [[nodiscard]] client_range newcomers(std::uint32_t count);

    exchange_outcome ping(client_range who, recorder* latency = nullptr);
    /// Allocate without credentials, refused with the nonce, which is remembered.
    exchange_outcome challenge(client_range who, recorder* latency = nullptr);
    exchange_outcome allocate(client_range who, bool pair = false, recorder* latency = nullptr);
    /// The second of a pair: client i of `seconds` takes what client i of `firsts` was promised.
    exchange_outcome claim(client_range firsts, client_range seconds, recorder* latency = nullptr);
    exchange_outcome release(client_range who, recorder* latency = nullptr);
    exchange_outcome bind_channel(client_range who, std::uint16_t channel, std::uint16_t peer_port);

    [[nodiscard]] crowd& wire() noexcept { return crowd_; }

private:
    struct client {
        std::string nonce;
        std::array<std::uint8_t, 8> token{};
        std::uint64_t transaction = 0;  // of the request under way; 0: none
        nanoseconds sent = 0;
        std::uint16_t relayed_port = 0;
    };
    struct request {
        relay::stun_method method;
        std::function<void(std::uint32_t number, relay::stun_writer& to)> write;
        std::function<bool(client& who, const relay::stun_message& answer)> take;  // false: it is a refusal
    };

    void send(std::uint32_t number, const request& what);
    exchange_outcome exchange(client_range who, recorder* latency, const request& what);

    const account* account_;
    nanoseconds patience_;
    crowd crowd_;
    std::deque<client> clients_;
    std::uint64_t transactions_ = 0;
    unsigned window_ = 1;
};

/// 401, 508 ...; 0: it is no error.
[[nodiscard]] int error_of(const relay::stun_message& answer);

}  // namespace berth::bench
