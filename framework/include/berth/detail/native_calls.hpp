// The synchronous socket calls under berth's I/O objects, without a word of the system's.
//
// All are thread-safe as far as the system's are. Addresses and options are in the system's form, as Asio's endpoints
// and options hold them. A descriptor that blocks is waited for; `nonblocking` says that the caller does not want to.
#pragma once

#include <berth/detail/config.hpp>
#include <berth/detail/operation.hpp>
#include <berth/error.hpp>

#include <asio/error.hpp>

#include <cstddef>
#include <cstdint>

namespace berth::detail {

using native_value = std::intptr_t;  ///< a native_handle_type; -1: none

BERTH_DECL native_value open_native(int family, int type, int protocol, int& error) noexcept;
BERTH_DECL void close_native(native_value socket, int& error) noexcept;
BERTH_DECL void bind_native(native_value socket, const void* address, std::size_t size, int& error) noexcept;
BERTH_DECL void listen_native(native_value socket, int backlog, int& error) noexcept;
BERTH_DECL void connect_native(native_value socket, const void* address, std::size_t size, bool nonblocking,
                               int& error) noexcept;
/// Of a connect's error: the two ends are those of another connection, or of what is left of one.
BERTH_DECL bool is_taken_tuple(int error) noexcept;
BERTH_DECL native_value accept_native(native_value socket, void* address, std::size_t* size, bool nonblocking,
                                      int& error) noexcept;
BERTH_DECL void shutdown_native(native_value socket, int how, int& error) noexcept;
BERTH_DECL void name_native(native_value socket, bool remote, void* address, std::size_t* size, int& error) noexcept;
BERTH_DECL void set_option_native(native_value socket, int level, int name, const void* value, std::size_t size,
                                  int& error) noexcept;
BERTH_DECL void get_option_native(native_value socket, int level, int name, void* value, std::size_t* size,
                                  int& error) noexcept;
BERTH_DECL void control_native(native_value socket, int name, void* argument, int& error) noexcept;
BERTH_DECL void set_nonblocking_native(native_value socket, bool on, int& error) noexcept;
BERTH_DECL std::size_t available_native(native_value socket, int& error) noexcept;
/// Datagrams that the socket's receive buffer had no room for, modulo 2^32.
BERTH_DECL std::uint32_t overflowed_native(native_value socket, int& error) noexcept;
BERTH_DECL void wait_native(native_value socket, verb what, int& error) noexcept;

/// Bytes; with an address the source, or where to.
BERTH_DECL std::size_t receive_native(native_value socket, const buffer_part* parts, std::size_t count, int flags,
                                      void* address, std::size_t* size, bool nonblocking, int& error) noexcept;
BERTH_DECL std::size_t send_native(native_value socket, const buffer_part* parts, std::size_t count, int flags,
                                   const void* address, std::size_t size, bool nonblocking, int& error) noexcept;

/// `call(..., said(ec))`: ec is what the call said, in Asio's system category, once the statement has ended.
class said {
public:
    explicit said(error_code& ec) noexcept : ec_(ec) {}
    ~said() { ec_ = error_ == 0 ? error_code() : error_code(error_, asio::error::get_system_category()); }
    said(const said&) = delete;
    said& operator=(const said&) = delete;
    operator int&() noexcept { return error_; }

private:
    error_code& ec_;
    int error_ = 0;
};

}  // namespace berth::detail
