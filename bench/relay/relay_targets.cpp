// See relay_targets.hpp.
#include "relay/relay_targets.hpp"

#include "contest/targets.hpp"

namespace berth::bench {
namespace {

using enum headline;
constexpr target table[] = {
    {"allocate", processor_time, "berth", 0.2, "coturn"}, {"one_90", tail_latency, "berth", 0.2, "coturn"},
    {"burst_90", tail_latency, "berth", 0.2, "coturn"},   {"pairs_90", tail_latency, "berth", 0.2, "coturn"},
    {"voice_50", processor_time, "berth", 0.7, "coturn"}, {"voice_500", processor_time, "berth", 0.7, "coturn"},
    {"video_50", processor_time, "berth", 0.7, "coturn"},
};

}  // namespace

std::vector<target_result> relay_targets_of(const report& r) { return judge(r, table); }

}  // namespace berth::bench
