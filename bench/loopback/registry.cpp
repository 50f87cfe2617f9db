// See registry.hpp.
#include "loopback/registry.hpp"

#include <algorithm>

namespace berth::bench {
namespace {

using enum load_kind;
const std::vector<load_kind> everything = {tcp_echo, tcp_churn, udp_echo, ping, idle};
const std::vector<load_kind> udp_alone = {udp_echo};
const std::vector<load_kind> latency_alone = {ping};

bool contains(const std::vector<load_kind>& kinds, load_kind kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

}  // namespace

const std::vector<contestant_entry>& all_contestants() {
    static const std::vector<contestant_entry> all = {
        {"raw_uring", "raw io_uring", "raw_uring", everything, 0, {}, {}, ""},
        {"raw_uring_again", "raw io_uring once more (A/A)", "raw_uring", everything, 0, {}, {}, ""},
        {"raw_epoll", "raw epoll", "raw_epoll", everything, 2, {}, {}, ""},
        {"raw_epoll_segment", "raw epoll + UDP_SEGMENT", "raw_epoll", udp_alone, 4, {"--offload"}, {}, ""},
        {"raw_spin", "raw recv, spinning", "raw_spin", latency_alone, 4, {}, {}, ""},
        {"asio_epoll", "Asio, epoll", "asio_epoll", everything, 1, {}, {}, ""},
        {"asio_uring",
         "Asio, io_uring",
         "asio_uring",
         everything,
         3,
         {},
         {tcp_churn},
         "Asio's io_uring backend loses completions under churn before 1.28"},
        {"asio_coroutines", "Asio, coroutines on epoll", "asio_coroutines", everything, 4, {}, {}, ""},
        {"berth", "berth, its own calls", "berth_native", everything, 8, {"--offload"}, {}, ""},
        {"berth_plain", "berth, no UDP_SEGMENT", "berth_native", udp_alone, 7, {}, {}, ""},
        {"berth_spin", "berth, spinning", "berth_native", latency_alone, 9, {"--spin"}, {}, ""},
        {"berth_callbacks", "berth, Asio's calls", "berth_callbacks", everything, 6, {}, {}, ""},
        {"berth_coroutines", "berth, coroutines", "berth_coroutines", everything, 7, {}, {}, ""},
        {"libuv", "libuv", "libuv", everything, 5, {}, {}, ""},
    };
    return all;
}

bool takes_part(const contestant_entry& entry, const scenario& s) { return contains(entry.takes_part, s.load); }

bool may_fail(const contestant_entry& entry, const scenario& s) { return contains(entry.may_fail, s.load); }

}  // namespace berth::bench
