// There are no signals to keep away from a thread; see quiet_thread.hpp.
#include "platform/quiet_thread.hpp"

#include "platform/windows/winsock.hpp"

#include <thread>

namespace berth::platform {

void start_quiet_thread(void (*body)()) { std::thread(body).detach(); }

void start_quiet_thread(void (*body)(void*), void* argument) { std::thread(body, argument).detach(); }

// Since Windows 10 1607: looked up, so that nothing older than that refuses to load the program.
void name_this_thread(const char* name) noexcept {
    using set_description = HRESULT(WINAPI*)(HANDLE, PCWSTR);
    static const auto set = reinterpret_cast<set_description>(
        reinterpret_cast<void*>(::GetProcAddress(::GetModuleHandleA("kernel32.dll"), "SetThreadDescription")));
    if (set == nullptr) return;
    wchar_t wide[16] = {};
    for (int i = 0; i < 15 && name[i] != '\0'; ++i) wide[i] = static_cast<unsigned char>(name[i]);
    set(::GetCurrentThread(), wide);
}

}  // namespace berth::platform
