// The affinity mask of a thread, within the processor group that it runs in: 64 processors at most.
#include <berth/detail/processors.hpp>

#include "platform/windows/winsock.hpp"

#include <system_error>

namespace berth::detail {

std::vector<std::uint32_t> usable_processors() {
    std::vector<std::uint32_t> usable;
    DWORD_PTR process = 0, system = 0;
    if (!::GetProcessAffinityMask(::GetCurrentProcess(), &process, &system)) return usable;
    // What the calling thread may use is only told to whoever sets it.
    const DWORD_PTR thread = ::SetThreadAffinityMask(::GetCurrentThread(), process);
    if (thread != 0) ::SetThreadAffinityMask(::GetCurrentThread(), thread);
    const DWORD_PTR mask = thread != 0 ? thread : process;
    for (std::uint32_t p = 0; p < 8 * sizeof mask; ++p) {
        if ((mask >> p & 1) != 0) usable.push_back(p);
    }
    return usable;
}

bool use_processors(const std::vector<std::uint32_t>& processors, std::string& why_not) {
    why_not.clear();
    DWORD_PTR mask = 0;
    std::string names;
    bool fits = true;
    for (const auto p : processors) {
        fits = fits && p < 8 * sizeof mask;
        if (p < 8 * sizeof mask) mask |= DWORD_PTR{1} << p;
        names += (names.empty() ? "" : ",") + std::to_string(p);
    }
    if (fits && ::SetThreadAffinityMask(::GetCurrentThread(), mask) != 0) return true;
    const auto error = static_cast<int>(fits ? ::GetLastError() : ERROR_INVALID_PARAMETER);
    why_not = "processor " + (names.empty() ? std::string("(none)") : names) +
              " is refused: " + std::system_category().message(error) +
              (error == ERROR_INVALID_PARAMETER ? "; it is none of this process's processor group" : "");
    return false;
}

}  // namespace berth::detail
