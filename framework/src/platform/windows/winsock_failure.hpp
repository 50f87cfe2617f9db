// From Winsock's numbers to berth's words.
//
// code_of maps to errc where a row exists; the failures built here name the call's subject and the remedy.
#pragma once

#include <berth/error.hpp>

#include <cstdint>
#include <string>

namespace berth::platform {

/// `negative`: what a verb of windows_calls returned.
error_code code_of(std::intptr_t negative) noexcept;

/// "WSAEADDRINUSE (10048)", or the number alone.
std::string name_of_error(std::intptr_t negative);

/// The failure of a bind or a socket call for `port` (host byte order) of a `protocol` ("TCP", "UDP") block. `who`:
/// whose socket is in the way, if that is known.
failure port_failure(std::intptr_t negative, const char* protocol, std::uint16_t port, const std::string& who = {});

}  // namespace berth::platform
