// GetAddrInfoW and getaddrinfo of this program; see slow_names.hpp. Calls go through the pointers that the import
// library has, whose names this file takes first.
#include "unit/io/slow_names.hpp"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <string>

namespace {

/// The system's function of either kind of letter, asked when the tests have nothing to say.
template <class Letter, class Function, class Hints, class Found>
INT ask_first(const char* function, const Letter* host, const Letter* service, const Hints* hints, Found** found,
              const Letter* loopback) {
    using namespace io_test::slow_names;
    const auto next = reinterpret_cast<Function>(
        reinterpret_cast<void*>(::GetProcAddress(::GetModuleHandleW(L"ws2_32.dll"), function)));
    if ((hints->ai_flags & AI_NUMERICHOST) != 0) return next(host, service, hints, found);
    std::string name;
    for (const Letter* c = host; c != nullptr && *c != 0; ++c) name += static_cast<char>(*c);
    switch (ask(name)) {
        case answer::no_such_name: return WSAHOST_NOT_FOUND;
        case answer::try_again: return WSATRY_AGAIN;
        case answer::loopback: return next(loopback, service, hints, found);
        default: return next(host, service, hints, found);
    }
}

using wide_function = INT(WSAAPI*)(PCWSTR, PCWSTR, const ADDRINFOW*, PADDRINFOW*);
using narrow_function = INT(WSAAPI*)(PCSTR, PCSTR, const ADDRINFOA*, PADDRINFOA*);

INT WSAAPI berths(PCWSTR host, PCWSTR service, const ADDRINFOW* hints, PADDRINFOW* found) {
    return ask_first<wchar_t, wide_function>("GetAddrInfoW", host, service, hints, found, L"127.0.0.1");
}
INT WSAAPI asios(PCSTR host, PCSTR service, const ADDRINFOA* hints, PADDRINFOA* found) {
    return ask_first<char, narrow_function>("getaddrinfo", host, service, hints, found, "127.0.0.1");
}

}  // namespace

extern "C" {
extern wide_function __imp_GetAddrInfoW;
wide_function __imp_GetAddrInfoW = berths;
extern narrow_function __imp_getaddrinfo;
narrow_function __imp_getaddrinfo = asios;
}
