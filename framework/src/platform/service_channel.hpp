// A connection to berthd, as this system has it.
//
// One message there, one back, in turn; or, for a consumer, messages that come by themselves, with sockets in them. A
// failure names the socket and says what to do.
#pragma once

#include "platform/native_socket.hpp"

#include <berth/error.hpp>

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

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

    /// One message, and no waiting. False: there is no room for it now, or the other side is gone, which receive()
    /// says once everything that it has sent was read.
    [[nodiscard]] bool send(std::span<const std::byte> bytes) noexcept;
    /// The bytes of a message that has come, with its sockets, the caller's to close; 0: none has. A failure:
    /// service_unavailable (the other side is gone), too_many_files (there were no descriptors for its sockets: the
    /// bytes are there).
    std::size_t receive(std::span<std::byte> bytes, std::vector<native_socket>& sockets, failure& f);
    /// Until there is something to receive, the other side is gone, or the time is over. Any thread.
    void wait(std::chrono::milliseconds time) const noexcept;
    static void pause(std::chrono::milliseconds time) noexcept;
    /// Nothing more is received, and who waits does not; the other side hears of the end when the last copy is
    /// closed.
    void end() noexcept;
    /// The connection lasts as long as the process.
    void leave_open() noexcept { connection_ = -1; }
    /// In a forked child: closes its copy, and the connection goes on.
    void abandon() noexcept;

private:
    std::string socket_path_;
    native_socket connection_ = -1;
};

void close_socket(native_socket socket) noexcept;

/// What the environment says of the daemon's socket (BERTH_SOCKET); empty: nothing, or it is not to be trusted.
std::string service_socket_of_environment();

}  // namespace berth::platform
