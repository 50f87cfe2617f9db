// What the proxy counts, for Prometheus and for its log. Any thread; each figure is exact, their sum is of no
// instant.
#pragma once

#include "failures.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace outbound_proxy {

class tally {
public:
    void add(std::uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
    void sub(std::uint64_t count = 1) noexcept { value_.fetch_sub(count, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct alignas(64) books {
    tally socks_requests, http_requests;
    std::array<tally, problem_count> outcomes;  ///< of requests to connect, by problem; `none`: connected
    tally tunnels_open, associations_open;      ///< now
    tally bytes_up, bytes_down;                 ///< to destinations, to clients; of ended and open tunnels
    tally connect_seconds_sum_us;               ///< of those that were connected: from the request to the answer
    tally unwelcome;                            ///< names and passwords that are nobody's
    tally malformed;                            ///< clients that spoke none of the protocols
    tally late;                                 ///< clients that did not say what they want in time
    tally untrusted_headers;                    ///< PROXY headers that must not, or must be there
    tally crowded;                              ///< clients beyond the limit of their address
    tally datagrams_up, datagrams_down;
    tally datagrams_dropped;  ///< fragments, strangers, refused destinations, too long
};

}  // namespace outbound_proxy
