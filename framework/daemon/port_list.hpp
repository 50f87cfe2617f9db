// Lists of ports as the system writes them ("8080,9000-9010"), and what a block's coming and going makes of one.
//
// Invariant of merging: a port that is in the list and not ours stays in it, whatever comes and goes; a port becomes
// ours only when we are the one who added it, and is taken out again only when the last block that covers it goes.
#pragma once

#include <berth/port_block.hpp>

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::daemon {

using port_set = std::bitset<65536>;

/// Nothing: not such a list.
std::optional<port_set> parse_port_list(std::string_view text);
std::string print_port_list(const port_set& ports);

std::vector<port_block> blocks_of(const port_set& ports);
port_set ports_of(const std::vector<port_block>& blocks);

struct merged_list {
    port_set list;  // what the system should have
    port_set ours;  // of these, those that we added
};

/// `covered`: the ports of all blocks that there shall be; `ours`: what we added to `list` before.
merged_list merge(const port_set& list, const port_set& ours, const port_set& covered);

}  // namespace berth::daemon
