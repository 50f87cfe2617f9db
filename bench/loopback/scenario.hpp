// What is asked of a server while contestants take turns. scenario.cpp names all; the table is the whole truth.
#pragma once

#include "contest/results.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace berth::bench {

/// What the load does, and which contestants can take part.
enum class load_kind : std::uint8_t {
    tcp_echo,   // connections that stay: send, wait for the echo, send again
    tcp_churn,  // connections that come, have one echo, and go
    udp_echo,   // sockets that each keep a window of datagrams under way
    ping,       // one connection; the client sleeps until the answer is there
    idle,       // connections that do nothing
};

struct scenario {
    std::string_view name;             // on the command line and in JSON
    std::string_view title;            // for people
    std::string_view meaning;          // one sentence: what happens
    std::string_view asked_of_server;  // --scenario of the contract
    load_kind load = load_kind::tcp_echo;
    std::size_t size = 64;      // bytes of a message
    unsigned connections = 50;  // at the same time
    unsigned window = 1;        // messages under way per connection
    headline figure = headline::processor_time;
    std::string_view also_tail = {};  // not empty: title of a second table by the 99th percentile of the same slices
    bool bursts = false;              // a client waits for its whole window before it sends the next
};

[[nodiscard]] const std::vector<scenario>& all_scenarios();

/// "request", "connection", "datagram": what one unit of work is called.
[[nodiscard]] std::string_view unit_of(const scenario& s);

}  // namespace berth::bench
