// See scenario.hpp.
#include "loopback/scenario.hpp"

namespace berth::bench {

const std::vector<scenario>& all_scenarios() {
    static const std::vector<scenario> all = {
        {"tcp_64_50", "TCP echo, 64 B, 50 connections", "Each client sends, waits for the echo, sends again.",
         "tcp_echo", load_kind::tcp_echo, 64, 50, 1, headline::processor_time,
         "Tail: 99th percentile of the time to an echo, 64 B, 50 connections"},
        {"tcp_64_1000", "TCP echo, 64 B, 1000 connections", "Each client sends, waits for the echo, sends again.",
         "tcp_echo", load_kind::tcp_echo, 64, 1000, 1, headline::processor_time},
        {"tcp_1k_50", "TCP echo, 1 KiB, 50 connections", "Each client sends, waits for the echo, sends again.",
         "tcp_echo", load_kind::tcp_echo, 1024, 50, 1, headline::processor_time},
        {"tcp_16k_50", "TCP echo, 16 KiB, 50 connections", "Each client sends, waits for the echo, sends again.",
         "tcp_echo_large", load_kind::tcp_echo, 16'384, 50, 1, headline::processor_time},
        {"accept", "TCP connections that come and go, 64 at once",
         "Connect, one echo of 64 B, an abortive close, and the next.", "accept", load_kind::tcp_churn, 64, 64, 1,
         headline::processor_time},
        {"udp_64_50", "UDP echo, 64 B, 50 clients, 16 datagrams under way each",
         "A client sends one new datagram for each that came back: neighbours in the server's queue seldom match.",
         "udp_echo", load_kind::udp_echo, 64, 50, 16, headline::processor_time},
        {"udp_64_50_bursts", "UDP echo, 64 B, 50 clients, bursts of 16 datagrams",
         "A client sends 16 datagrams together when all of the last 16 came back: runs of one sender.", "udp_echo",
         load_kind::udp_echo, 64, 50, 16, headline::processor_time, "", true},
        {"latency", "One TCP connection, 64 B: time to an echo",
         "The client spins on its core, most servers sleep until something arrives: this is mostly their wake-up.", "tcp_echo", load_kind::ping,
         64, 1, 1, headline::median_latency},
        {"idle", "An idle TCP connection: user memory in the server",
         "Growth of the server's anonymous memory per connection that had one echo and then does nothing.",
         "tcp_echo", load_kind::idle, 64, 2000, 1, headline::memory},
    };
    return all;
}

std::string_view unit_of(const scenario& s) {
    switch (s.load) {
        case load_kind::tcp_churn:
            return "connection";
        case load_kind::udp_echo:
            return "datagram";
        case load_kind::idle:
            return "connection";
        default:
            return "request";
    }
}

}  // namespace berth::bench
