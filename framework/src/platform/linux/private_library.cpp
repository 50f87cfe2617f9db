// RTLD_LOCAL is what keeps its symbols private; RTLD_NODELETE, because threads end through it.
#include "platform/private_library.hpp"

#include <dlfcn.h>

namespace berth::platform {

void* open_private_library(const char* name, bool& is_programs_own, std::string& why_not) {
    void* const before = ::dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    is_programs_own = before != nullptr;
    if (before != nullptr) return before;
    void* const library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) {
        const char* const said = ::dlerror();
        why_not = said != nullptr ? said : std::string(name) + " cannot be opened";
    }
    return library;
}

void* find_symbol(void* library, const char* name) noexcept { return ::dlsym(library, name); }

}  // namespace berth::platform
