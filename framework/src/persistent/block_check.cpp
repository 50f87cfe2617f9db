// The documents' conditions for a persistent block; see block_check.hpp.
#include "persistent/block_check.hpp"

namespace berth::detail {
namespace {

failure invalid(std::string what) { return {errc::invalid_argument, std::move(what), 0, 0}; }

}  // namespace

failure check_persistent(const port_block& block, transport protocol) {
    if (protocol != transport::tcp && protocol != transport::udp) {
        return invalid("a persistent block has TCP or UDP ports; make one for each");
    }
    if (block.count == 0) return invalid("a block of 0 ports; ask for at least one");
    if (block.is_wildcard()) return invalid("a persistent block needs a first port: there is no wildcard among them");
    if (block.is_valid()) return {};
    return invalid("a block of " + std::to_string(block.count) + " ports from " + std::to_string(block.first) +
                   " runs past port 65535; at most " + std::to_string(65536 - block.first) + " fit there");
}

}  // namespace berth::detail
