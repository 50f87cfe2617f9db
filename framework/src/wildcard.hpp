// Chooses the ports of a wildcard block: a pure decision over a map of what is used and what is better left alone.
//
// Preferred is a run that touches neither; then one that is merely free. Among equals the choice is random, so that
// programs which start together do not race for the same run.
#pragma once

#include "platform/port_provider.hpp"

#include <cstdint>
#include <optional>

namespace berth::detail {

/// The first port of a free run of `count` ports, or nothing. `random` decides among the runs.
std::optional<std::uint16_t> choose_run(const platform::port_map& map, std::uint32_t count, bool avoid,
                                        std::uint64_t random) noexcept;

}  // namespace berth::detail
