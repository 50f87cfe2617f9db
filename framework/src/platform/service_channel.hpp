// A connection to berthd, as this system has it.
//
// One message there, one back, in turn. A failure names the socket and says what to do.
#pragma once

#include "platform/native_socket.hpp"

#include <berth/error.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

namespace berth::platform {

class service_channel {
public:
    /// `patience`: for each step. Errors: service_unavailable (nobody answers there), permission_denied,
    /// operation_not_supported (not on this system), too_many_files.
    service_channel(std::string socket_path, std::chrono::milliseconds patience, failure& f);
    ~service_channel();
    service_channel(const service_channel&) = delete;
    service_channel& operator=(const service_channel&) = delete;

    /// Pre: connected. The bytes of the answer; 0 with a failure.
    std::size_t exchange(std::span<const std::byte> request, std::span<std::byte> answer, failure& f);

private:
    std::string socket_path_;
    native_socket connection_ = -1;
};

/// What the environment says of the daemon's socket (BERTH_SOCKET); empty: nothing, or it is not to be trusted.
std::string service_socket_of_environment();

}  // namespace berth::platform
