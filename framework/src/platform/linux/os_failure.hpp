// From -errno to berth's words.
//
// code_of maps to errc where a row exists; the failures built here name the call's subject and the remedy.
#pragma once

#include <berth/error.hpp>

#include <cstdint>
#include <string>

namespace berth::platform {

error_code code_of(int negative_errno) noexcept;

/// The failure of a bind or a socket call for `port` (host byte order) of a `protocol` ("TCP", "UDP") block; port 0: of
/// the socket that `protocol` names.
failure port_failure(int negative_errno, const char* protocol, std::uint16_t port, const std::string& who = {});

}  // namespace berth::platform
