// Which processors a thread may use, and using one alone.
#pragma once

#include <berth/detail/config.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace berth::detail {

/// Those that the calling thread may run on, by the system's numbers, ascending; empty: the system does not say.
BERTH_DECL std::vector<std::uint32_t> usable_processors();

/// Post: the calling thread runs on these alone. False, and in words why, if the system refuses.
BERTH_DECL bool use_processors(const std::vector<std::uint32_t>& processors, std::string& why_not);

}  // namespace berth::detail
