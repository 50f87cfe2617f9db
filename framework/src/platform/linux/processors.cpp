// The affinity mask of a thread, for any number of processors: the kernel says when the set is too small.
#include <berth/detail/processors.hpp>

#include <sched.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <system_error>

namespace berth::detail {
namespace {

constexpr std::size_t most_processors = 1 << 16;

struct free_set {
    void operator()(cpu_set_t* set) const noexcept { CPU_FREE(set); }
};
using set_pointer = std::unique_ptr<cpu_set_t, free_set>;

set_pointer empty_set(std::size_t processors) {
    set_pointer set(CPU_ALLOC(processors));
    if (set) CPU_ZERO_S(CPU_ALLOC_SIZE(processors), set.get());
    return set;
}

}  // namespace

std::vector<std::uint32_t> usable_processors() {
    std::vector<std::uint32_t> usable;
    for (std::size_t room = 1024; room <= most_processors; room *= 4) {
        const set_pointer set = empty_set(room);
        if (!set) break;
        const std::size_t size = CPU_ALLOC_SIZE(room);
        if (::sched_getaffinity(0, size, set.get()) == 0) {
            for (std::uint32_t p = 0; p < room; ++p) {
                if (CPU_ISSET_S(p, size, set.get())) usable.push_back(p);
            }
            break;
        }
        if (errno != EINVAL) break;
    }
    return usable;
}

bool use_processors(const std::vector<std::uint32_t>& processors, std::string& why_not) {
    why_not.clear();
    std::size_t room = 1024;
    for (const auto p : processors) {
        while (p >= room && room < most_processors) room *= 4;
    }
    const set_pointer set = empty_set(room);
    if (!set) return why_not = "no memory for a set of processors", false;
    const std::size_t size = CPU_ALLOC_SIZE(room);
    std::string names;
    for (const auto p : processors) {
        if (p < room) CPU_SET_S(p, size, set.get());
        names += (names.empty() ? "" : ",") + std::to_string(p);
    }
    if (::sched_setaffinity(0, size, set.get()) == 0) return true;
    why_not = "processor " + (names.empty() ? std::string("(none)") : names) + " is refused: " +
              std::generic_category().message(errno) + (errno == EINVAL ? "; the process may not use it (cpuset)" : "");
    return false;
}

}  // namespace berth::detail
