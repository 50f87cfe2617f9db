// WSAStartup and its end, and each thread's last error.
//
// WSAStartup changes nothing but what it reports: calls before it, or after the last WSACleanup, work. So a program
// that is right on Windows is right here, and a library in it that uses plain sockets is not disturbed.
#include "winsock2.h"

#include "user_memory.hpp"

#include <atomic>
#include <cstring>

namespace {

thread_local DWORD last_error = 0;
std::atomic<int> starts{0};

}  // namespace

extern "C" {

DWORD GetLastError() { return last_error; }
void SetLastError(DWORD error) { last_error = error; }
int WSAGetLastError() { return static_cast<int>(last_error); }
void WSASetLastError(int error) { last_error = static_cast<DWORD>(error); }

int WSAStartup(WORD version, LPWSADATA data) {
    WSADATA answer{};
    answer.wVersion = answer.wHighVersion = MAKEWORD(2, 2);
    std::memcpy(answer.szDescription, "berth", sizeof "berth");
    std::memcpy(answer.szSystemStatus, "Running", sizeof "Running");
    if (!berth::compat::copy_out(data, &answer, sizeof answer)) return WSAEFAULT;
    if (LOBYTE(version) == 0) return WSAVERNOTSUPPORTED;
    starts.fetch_add(1);
    return 0;
}

int WSACleanup() {
    int now = starts.load();
    while (now > 0 && !starts.compare_exchange_weak(now, now - 1)) {
    }
    if (now > 0) return 0;
    WSASetLastError(WSANOTINITIALISED);
    return SOCKET_ERROR;
}

}  // extern "C"
