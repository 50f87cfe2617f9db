// The system's list of reserved ports: what was read can be written and read again, and blocks cover the same ports.
#include "fuzz/fuzz.hpp"

#include "port_list.hpp"

#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth::daemon;
    const auto ports = parse_port_list(std::string_view(reinterpret_cast<const char*>(data), size));
    if (!ports) return 0;
    const auto again = parse_port_list(print_port_list(*ports));
    berth::fuzz::require(again && *again == *ports, "it is read as it was written");
    berth::fuzz::require(ports_of(blocks_of(*ports)) == *ports, "its blocks are the same ports");
    const auto merged = merge(*ports, {}, {});
    berth::fuzz::require(merged.list == *ports && merged.ours.none(), "nothing is taken out that is not ours");
    return 0;
}
