// See targets.hpp. One line a target.
#include "loopback/targets.hpp"

#include "contest/targets.hpp"

namespace berth::bench {
namespace {

using enum headline;
constexpr target table[] = {
    {"tcp_64_50", processor_time, "berth", 1.03, "raw_uring"},
    {"tcp_64_1000", processor_time, "berth", 1.05, "raw_uring"},
    {"tcp_64_50", processor_time, "berth_callbacks", 0.95, "asio_epoll"},
    {"tcp_64_1000", processor_time, "berth_callbacks", 0.95, "asio_epoll"},
    {"tcp_64_50", processor_time, "berth_coroutines", 1.05, "berth_callbacks"},
    {"tcp_64_1000", processor_time, "berth_coroutines", 1.05, "berth_callbacks"},
    {"tcp_16k_50", processor_time, "berth", 1.05, "raw_epoll"},
    {"accept", processor_time, "berth", 1.05, "raw_uring"},
    {"accept", processor_time, "berth", 0.9, "asio_epoll"},
    {"udp_64_50", processor_time, "berth_plain", 1.03, "raw_uring"},
    {"udp_64_50", processor_time, "berth", 0.75, "raw_uring"},
    {"udp_64_50_bursts", processor_time, "berth", 0.75, "raw_uring"},
    {"latency", median_latency, "berth_spin", 1.0 / 3, ""},
    {"tcp_64_50", tail_latency, "berth", 1.1, ""},
    {"idle", memory, "berth", 256, ""},
};

}  // namespace

std::vector<target_result> targets_of(const report& r) { return judge(r, table); }

}  // namespace berth::bench
