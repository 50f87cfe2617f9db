// In place of mimalloc where the build found none.
#include "memory/memory_source.hpp"

namespace berth::detail {

bool open_mimalloc(const char*, memory_source&, std::string& why_not) {
    why_not = "berth was built without mimalloc's header (Debian: libmimalloc-dev)";
    return false;
}

}  // namespace berth::detail
