// Which of the documents' error codes says what berth or the system says. framework/compat/README.md has the rows.
#pragma once

#include <berth/error.hpp>

#include <cstdint>

namespace berth::compat {

/// For WSAGetLastError.
[[nodiscard]] int winsock_code(const error_code& ec) noexcept;
[[nodiscard]] int winsock_code_of_errno(int number) noexcept;

/// What the persistent calls return.
[[nodiscard]] std::uint32_t windows_code(const error_code& ec) noexcept;

/// The status that an OVERLAPPED carries, and back.
[[nodiscard]] std::uintptr_t status_of(int winsock_error) noexcept;
[[nodiscard]] int winsock_code_of_status(std::uintptr_t status) noexcept;

/// -1, having set the calling thread's last error.
int fail(int winsock_error) noexcept;

}  // namespace berth::compat
