// The choice of a memory source; see memory_source.hpp.
#include "memory/memory_source.hpp"

#include <new>

namespace berth::detail {

memory_source choose_memory_source(const char* library) {
    memory_source chosen;
    std::string why_not;
    if (open_mimalloc(library, chosen, why_not)) return chosen;
    chosen = {};
    chosen.reason = "operator new, without a heap of its own: " + why_not;
    chosen.allocate = [](std::size_t size) { return ::operator new(size); };
    chosen.free = [](void* memory) { ::operator delete(memory); };
    return chosen;
}

// Never destroyed: what static objects of the program hold is freed after any destructor of ours.
const memory_source& the_memory_source() {
    static const auto& chosen = *new memory_source(choose_memory_source(nullptr));
    return chosen;
}

}  // namespace berth::detail
