// See relay_block.hpp.
#include "relay_block.hpp"

namespace relay {

berth::bound_port relay_block::take_even(berth::error_code& ec) noexcept {
    std::array<berth::bound_port, 1> even;
    ports_.take_run(even, 2, ec);
    return std::move(even[0]);
}

}  // namespace relay
