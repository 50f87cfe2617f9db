// A system whose way of choosing processors nobody has written down yet.
#include <berth/detail/processors.hpp>

namespace berth::detail {

std::vector<std::uint32_t> usable_processors() { return {}; }

bool use_processors(const std::vector<std::uint32_t>&, std::string& why_not) {
    why_not = "threads are not pinned to processors on this system";
    return false;
}

}  // namespace berth::detail
