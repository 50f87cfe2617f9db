// mimalloc as a memory source, looked up at run time; see memory_source.hpp.
//
// Not linked: the dynamic linker would take malloc out of it for the whole program. What a heap's thread leaves behind
// when it ends is adopted by others: mimalloc's own rule.
#include "memory/memory_source.hpp"
#include "platform/private_library.hpp"

#include <mimalloc.h>

#include <new>

namespace berth::detail {
namespace {

struct functions {
    decltype(&mi_version) version = nullptr;
    decltype(&mi_malloc) malloc = nullptr;
    decltype(&mi_free) free = nullptr;
    decltype(&mi_heap_new) heap_new = nullptr;
    decltype(&mi_heap_delete) heap_delete = nullptr;
    decltype(&mi_heap_malloc) heap_malloc = nullptr;
};

functions found;

template <class Function>
bool look_up(void* library, const char* name, Function& function, std::string& why_not) {
    function = reinterpret_cast<Function>(platform::find_symbol(library, name));
    if (function == nullptr) why_not = std::string("the mimalloc library has no ") + name;
    return function != nullptr;
}

bool look_up_all(void* library, functions& f, std::string& why_not) {
    return look_up(library, "mi_version", f.version, why_not) && look_up(library, "mi_malloc", f.malloc, why_not) &&
           look_up(library, "mi_free", f.free, why_not) && look_up(library, "mi_heap_new", f.heap_new, why_not) &&
           look_up(library, "mi_heap_delete", f.heap_delete, why_not) &&
           look_up(library, "mi_heap_malloc", f.heap_malloc, why_not);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_watched = true;
#else
constexpr bool is_watched = false;
#endif

}  // namespace

bool open_mimalloc(const char* library, memory_source& out, std::string& why_not) {
    if (is_watched) {
        why_not = "berth was built with a sanitizer, which watches the program's allocator alone";
        return false;
    }
    // The library's name carries its major version: functions of another one may look different.
    constexpr int major = MI_MALLOC_VERSION / 100;
    const std::string name = library != nullptr ? library : "libmimalloc.so." + std::to_string(major);
    bool is_programs_own = false;
    void* const handle = platform::open_private_library(name.c_str(), is_programs_own, why_not);
    if (handle == nullptr) {
        why_not += "; install it (Debian: libmimalloc2.0)";
        return false;
    }
    functions f;
    if (!look_up_all(handle, f, why_not)) return false;
    const int version = f.version();
    if (version / 100 != major) {
        why_not = name + " is version " + std::to_string(version) + ", berth was built for " + std::to_string(major);
        return false;
    }
    found = f;
    out.has_heaps = true;
    out.reason = "mimalloc " + std::to_string(version / 100) + "." + std::to_string(version / 10 % 10) + "." +
                 std::to_string(version % 10) + " (" + name + "), a heap for each shard; " +
                 (is_programs_own ? "the program had loaded it by itself" : "the program's malloc is its own");
    out.allocate = [](std::size_t size) {
        void* const memory = found.malloc(size);
        if (memory == nullptr) throw std::bad_alloc();
        return memory;
    };
    out.free = [](void* memory) { found.free(memory); };
    out.make_heap = []() -> void* { return found.heap_new(); };
    out.delete_heap = [](void* heap) { found.heap_delete(static_cast<mi_heap_t*>(heap)); };
    out.allocate_from = [](void* heap, std::size_t size) {
        return found.heap_malloc(static_cast<mi_heap_t*>(heap), size);
    };
    return true;
}

}  // namespace berth::detail
