// See afd.hpp. Neither the device's name nor the question's form is documented, and neither has changed since
// Windows 2000; nothing documented asks about a socket without giving it to a port or to a thread.
#include "backend/asio/windows/afd.hpp"

#include <winternl.h>

#include <system_error>

namespace berth::detail {
namespace {

constexpr DWORD poll_sockets = 0x12024;  // IOCTL_AFD_POLL

HANDLE open_device() {
    using create = NTSTATUS(NTAPI*)(PHANDLE, ACCESS_MASK, OBJECT_ATTRIBUTES*, IO_STATUS_BLOCK*, LARGE_INTEGER*, ULONG,
                                    ULONG, ULONG, ULONG, void*, ULONG);
    using to_error = ULONG(NTAPI*)(NTSTATUS);
    const HMODULE system = ::GetModuleHandleA("ntdll.dll");
    const auto create_file = reinterpret_cast<create>(reinterpret_cast<void*>(::GetProcAddress(system, "NtCreateFile")));
    const auto error_of =
        reinterpret_cast<to_error>(reinterpret_cast<void*>(::GetProcAddress(system, "RtlNtStatusToDosError")));
    wchar_t name[] = L"\\Device\\Afd\\berth";
    UNICODE_STRING path;
    path.Buffer = name;
    path.Length = sizeof name - sizeof *name;
    path.MaximumLength = sizeof name;
    OBJECT_ATTRIBUTES which{};
    which.Length = sizeof which;
    which.ObjectName = &path;
    IO_STATUS_BLOCK status{};
    HANDLE device = INVALID_HANDLE_VALUE;
    const NTSTATUS said = create_file(&device, SYNCHRONIZE, &which, &status, nullptr, 0,
                                      FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0, nullptr, 0);
    if (said < 0) throw std::system_error(static_cast<int>(error_of(said)), std::system_category(), "opening AFD");
    return device;
}

asio::io_context::executor_type executor_of(asio::execution_context& context) {
    return static_cast<asio::io_context&>(context).get_executor();
}

}  // namespace

asio::execution_context::id afd::id;

static_assert(sizeof(afd::question) == 32 && offsetof(afd::question, socket) == 16, "as the driver reads it");

afd::afd(asio::execution_context& context)
    : asio::execution_context::service(context), device_(executor_of(context)) {
    const HANDLE device = open_device();
    std::error_code ec;
    device_.assign(device, ec);
    if (!ec) return;
    ::CloseHandle(device);
    throw std::system_error(ec, "opening AFD");
}

int afd::ask(question& q, asio::detail::socket_type socket, unsigned long events, void* overlapped) noexcept {
    q = {.until = INT64_MAX, .socket = reinterpret_cast<void*>(socket), .events = static_cast<std::uint32_t>(events)};
    const BOOL done = ::DeviceIoControl(device_.native_handle(), poll_sockets, &q, sizeof q, &q, sizeof q, nullptr,
                                        static_cast<OVERLAPPED*>(overlapped));
    const DWORD error = done ? 0 : ::GetLastError();
    return error == ERROR_IO_PENDING ? 0 : static_cast<int>(error);
}

void afd::withdraw(void* overlapped) noexcept {
    ::CancelIoEx(device_.native_handle(), static_cast<OVERLAPPED*>(overlapped));
}

}  // namespace berth::detail
