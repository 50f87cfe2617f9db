// Every strategy's entry; each is defined in the file of its name.
#pragma once

#include "bind_latency/strategy.hpp"

namespace berth::bench {

strategy_entry kernel_bind_zero_entry();
strategy_entry known_port_entry();
strategy_entry local_port_range_entry();
strategy_entry random_probe_entry();
strategy_entry linear_probe_entry();
strategy_entry free_list_entry();
strategy_entry berth_associate_entry();
strategy_entry berth_take_calls_entry();
strategy_entry berth_take_entry();
strategy_entry berth_claim_entry();

strategy_entry connect_kernel_entry();
strategy_entry connect_known_entry();
strategy_entry connect_taken_entry();

}  // namespace berth::bench
