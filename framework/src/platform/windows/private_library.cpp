// A library's symbols are its own on Windows; see private_library.hpp.
#include "platform/private_library.hpp"

#include "platform/windows/winsock.hpp"

#include <system_error>

namespace berth::platform {

void* open_private_library(const char* name, bool& is_programs_own, std::string& why_not) {
    HMODULE library = ::GetModuleHandleA(name);
    is_programs_own = library != nullptr;
    if (library == nullptr) library = ::LoadLibraryExA(name, nullptr, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS);
    if (library == nullptr) {
        why_not = std::string(name) + ": " + std::system_category().message(static_cast<int>(::GetLastError()));
    }
    return library;
}

void* find_symbol(void* library, const char* name) noexcept {
    return reinterpret_cast<void*>(::GetProcAddress(static_cast<HMODULE>(library), name));
}

}  // namespace berth::platform
