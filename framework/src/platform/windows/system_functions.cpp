// What is not linked but looked up, so that berth starts where it is missing: ntdll's calls about handles and
// completion ports, and iphlpapi's tables and persistent reservations. See windows_calls.hpp.
#include "platform/windows/windows_calls.hpp"

#include <iphlpapi.h>

#include <new>

namespace berth::platform {
namespace {

using nt_status = LONG;
struct io_status {
    union {
        nt_status status;
        void* pointer;
    };
    ULONG_PTR information;
};
struct completion_information {
    HANDLE port;
    void* key;
};
struct object_basic_information {
    ULONG attributes, access, handles, pointers, reserved[10];
};
constexpr int file_completion_information = 30, file_replace_completion_information = 61;
constexpr int object_basic_information_class = 0;

// A library of the system's own folder, whatever lies beside the program.
HMODULE system_library(const wchar_t* name) noexcept {
    wchar_t path[MAX_PATH + 32];
    const UINT length = ::GetSystemDirectoryW(path, MAX_PATH);
    if (length == 0 || length > MAX_PATH) return nullptr;
    path[length] = L'\\';
    ::lstrcpynW(path + length + 1, name, 30);
    return ::LoadLibraryW(path);
}

template <class Function>
Function* look_up(HMODULE library, const char* name) noexcept {
    if (library == nullptr) return nullptr;
    return reinterpret_cast<Function*>(reinterpret_cast<void*>(::GetProcAddress(library, name)));
}

struct nt_functions {
    HMODULE library = ::GetModuleHandleW(L"ntdll.dll");
    nt_status(WINAPI* query_object)(HANDLE, int, void*, ULONG, ULONG*) =
        look_up<nt_status WINAPI(HANDLE, int, void*, ULONG, ULONG*)>(library, "NtQueryObject");
    nt_status(WINAPI* set_information)(HANDLE, io_status*, void*, ULONG, int) =
        look_up<nt_status WINAPI(HANDLE, io_status*, void*, ULONG, int)>(library, "NtSetInformationFile");
    nt_status(WINAPI* compare)(HANDLE, HANDLE) = look_up<nt_status WINAPI(HANDLE, HANDLE)>(library,
                                                                                           "NtCompareObjects");
    nt_status(WINAPI* version)(OSVERSIONINFOW*) = look_up<nt_status WINAPI(OSVERSIONINFOW*)>(library,
                                                                                             "RtlGetVersion");
};

using create_call = ULONG WINAPI(USHORT, USHORT, PULONG64);
using delete_call = ULONG WINAPI(USHORT, USHORT);
using table_call = DWORD WINAPI(void*, DWORD*, BOOL, ULONG, int, ULONG);

struct ip_functions {
    HMODULE library = system_library(L"iphlpapi.dll");
    create_call* create[2] = {look_up<create_call>(library, "CreatePersistentUdpPortReservation"),
                              look_up<create_call>(library, "CreatePersistentTcpPortReservation")};
    delete_call* remove[2] = {look_up<delete_call>(library, "DeletePersistentUdpPortReservation"),
                              look_up<delete_call>(library, "DeletePersistentTcpPortReservation")};
    create_call* find[2] = {look_up<create_call>(library, "LookupPersistentUdpPortReservation"),
                            look_up<create_call>(library, "LookupPersistentTcpPortReservation")};
    table_call* tables[2] = {look_up<table_call>(library, "GetExtendedUdpTable"),
                             look_up<table_call>(library, "GetExtendedTcpTable")};
    DWORD(WINAPI* compartment)() = look_up<DWORD WINAPI()>(library, "GetCurrentThreadCompartmentId");
};

const nt_functions& nt() noexcept {
    static const nt_functions found;
    return found;
}
const ip_functions& ip() noexcept {
    static const ip_functions found;
    return found;
}

template <class Table>
void append(const void* bytes, std::vector<table_row>& out) {
    const auto& table = *static_cast<const Table*>(bytes);
    for (DWORD i = 0; i < table.dwNumEntries; ++i) {
        const auto& row = table.table[i];
        table_row r{ntohs(static_cast<u_short>(row.dwLocalPort)), row.dwOwningPid, 0};
        if constexpr (requires { row.dwState; }) r.state = static_cast<std::uint32_t>(row.dwState);
        out.push_back(r);
    }
}

// The tables grow between the asking for their size and the reading.
template <class Table>
int read_one(table_call* call, ULONG family, int what, std::vector<table_row>& out) {
    std::vector<unsigned long long> room(1024);
    for (int i = 0; i < 16; ++i) {
        DWORD size = static_cast<DWORD>(room.size() * sizeof room[0]);
        const DWORD r = call(room.data(), &size, FALSE, family, what, 0);
        if (r == NO_ERROR) return append<Table>(room.data(), out), 0;
        if (r != ERROR_INSUFFICIENT_BUFFER) return -static_cast<int>(r);
        room.resize(size / sizeof room[0] + 1024);
    }
    return -ERROR_INSUFFICIENT_BUFFER;
}

}  // namespace

// Without the call (before Windows 10): a further handle is counted at the object it belongs to.
int winsock_calls::same(HANDLE h, native_socket s) noexcept {
    if (nt().compare != nullptr) return nt().compare(h, handle_of(s)) == 0 ? 1 : 0;
    std::uint32_t before = 0, after = 0;
    if (const int r = count_handles(h, before); r < 0) return r;
    HANDLE further = nullptr;
    if (const int r = name(s, further); r < 0) return r;
    const int r = count_handles(h, after);
    let_go(further);
    return r < 0 ? r : after == before + 1 ? 1 : 0;
}

int winsock_calls::count_handles(HANDLE h, std::uint32_t& out) noexcept {
    if (nt().query_object == nullptr) return -ERROR_PROC_NOT_FOUND;
    object_basic_information known{};
    ULONG size = 0;
    if (nt().query_object(h, object_basic_information_class, &known, sizeof known, &size) < 0) {
        return -ERROR_INVALID_HANDLE;
    }
    out = known.handles;
    return 0;
}

int winsock_calls::set_completion(native_socket s, HANDLE port, bool replaces) noexcept {
    if (nt().set_information == nullptr) return -ERROR_PROC_NOT_FOUND;
    completion_information wanted{port, nullptr};
    io_status status{};
    const auto r = nt().set_information(handle_of(s), &status, &wanted, sizeof wanted,
                                        replaces ? file_replace_completion_information : file_completion_information);
    return r >= 0 ? 0 : -static_cast<int>(static_cast<std::uint32_t>(r) & 0x7fffffffu);
}

std::uint32_t winsock_calls::build() noexcept {
    OSVERSIONINFOW version{};
    version.dwOSVersionInfoSize = sizeof version;
    return nt().version != nullptr && nt().version(&version) >= 0 ? version.dwBuildNumber : 0;
}

std::uint32_t winsock_calls::network_compartment() noexcept {
    const DWORD id = ip().compartment != nullptr ? ip().compartment() : 0;
    return id != 0 ? id : 1;
}

int winsock_calls::read_table(bool tcp, std::vector<table_row>& out) noexcept {
    table_call* const call = ip().tables[tcp ? 1 : 0];
    if (call == nullptr) return -ERROR_PROC_NOT_FOUND;
    try {
        int r = tcp ? read_one<MIB_TCPTABLE_OWNER_PID>(call, AF_INET, TCP_TABLE_OWNER_PID_ALL, out)
                    : read_one<MIB_UDPTABLE_OWNER_PID>(call, AF_INET, UDP_TABLE_OWNER_PID, out);
        if (r < 0) return r;
        r = tcp ? read_one<MIB_TCP6TABLE_OWNER_PID>(call, AF_INET6, TCP_TABLE_OWNER_PID_ALL, out)
                : read_one<MIB_UDP6TABLE_OWNER_PID>(call, AF_INET6, UDP_TABLE_OWNER_PID, out);
        return r;
    } catch (const std::bad_alloc&) {
        return -ERROR_NOT_ENOUGH_MEMORY;
    }
}

int winsock_calls::create_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                                     std::uint64_t& token) noexcept {
    auto* const call = ip().create[tcp ? 1 : 0];
    return call == nullptr ? -ERROR_PROC_NOT_FOUND : -static_cast<int>(call(first, count, &token));
}
int winsock_calls::delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count) noexcept {
    auto* const call = ip().remove[tcp ? 1 : 0];
    return call == nullptr ? -ERROR_PROC_NOT_FOUND : -static_cast<int>(call(first, count));
}
int winsock_calls::look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count,
                                      std::uint64_t& token) noexcept {
    auto* const call = ip().find[tcp ? 1 : 0];
    return call == nullptr ? -ERROR_PROC_NOT_FOUND : -static_cast<int>(call(first, count, &token));
}

}  // namespace berth::platform
