// The sockets that contestants serve on: on the loopback address, non-blocking, a port of the kernel's choice.
#pragma once

namespace berth::bench {

/// Listens already. Accepted sockets inherit TCP_NODELAY: a large echo that is sent in parts would wait for the
/// client's delayed acknowledgement otherwise. Throws std::system_error.
[[nodiscard]] int open_listener();

/// Room for what all clients may have under way. Throws std::system_error.
[[nodiscard]] int open_udp_socket();

}  // namespace berth::bench
