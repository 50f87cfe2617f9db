// The list of strategies, in the order in which tables and charts show them.
#include "bind_latency/strategies/all.hpp"

namespace berth::bench {

const std::vector<strategy_entry>& all_strategies() {
    static const std::vector<strategy_entry> entries{
        kernel_bind_zero_entry(), known_port_entry(),  local_port_range_entry(), random_probe_entry(),
        linear_probe_entry(),     free_list_entry(),   berth_associate_entry(),  berth_take_calls_entry(),
        berth_take_entry(),       berth_claim_entry(),
    };
    return entries;
}

const std::vector<strategy_entry>& outbound_strategies() {
    static const std::vector<strategy_entry> entries{
        connect_kernel_entry(),
        connect_known_entry(),
        connect_taken_entry(),
    };
    return entries;
}

}  // namespace berth::bench
