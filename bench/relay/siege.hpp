// A relay under siege: somebody behaves badly for some seconds, while honest calls go on and newcomers allocate.
//
// What a siege must not do, each a bound that is checked: lose or delay honest datagrams, keep newcomers out, leave
// memory or descriptors behind. A first, shorter attack comes before anything is counted: what is made once, pools
// and buffers, is no leak.
#pragma once

#include "measure/clock.hpp"
#include "relay/account.hpp"
#include "relay/turn_server.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

/// One who behaves badly. turn() is called every millisecond, does a little of it, and does not wait.
class besieger {
public:
    besieger() = default;
    virtual ~besieger() = default;
    besieger(const besieger&) = delete;
    besieger& operator=(const besieger&) = delete;

    virtual void turn(nanoseconds since_start) = 0;
    /// What was done so far: "61,000 requests, 812 answered".
    [[nodiscard]] virtual std::string deeds() const = 0;
    /// What must hold when it is over, beyond what holds for every siege; the complaint, or nothing.
    [[nodiscard]] virtual std::string complaint() { return {}; }
};

struct siege_ground {
    turn_server& server;
    std::uint16_t tls_port;
    const account& honest;
};

struct siege_entry {
    std::string_view name;
    std::string_view meaning;
    std::function<std::unique_ptr<besieger>(const siege_ground&)> begin;
    std::vector<std::string> arguments = {};  // of the relay
    double shortest = 1;                      // seconds that it must last
    double warm_up = 0.5;                     // seconds of the attack that does not count
};

[[nodiscard]] const std::vector<siege_entry>& all_sieges();

/// What a siege may do at most.
struct siege_bounds {
    double lost = 0.01;                     // share of honest datagrams
    nanoseconds p99 = 50'000'000;           // of their round trips
    std::int64_t memory = 2 * 1024 * 1024;  // bytes of the server's own memory that stay
    std::int64_t descriptors = 2;           // that stay
};

/// Prints one line a fact; returns what went wrong, one line each.
[[nodiscard]] std::vector<std::string> run_siege(const siege_entry& what, double seconds, const siege_bounds& most);

}  // namespace berth::bench
