// See idle_memory.hpp.
#include "loopback/idle_memory.hpp"

#include "loopback/load/client_socket.hpp"
#include "loopback/server_process.hpp"

#include <vector>

namespace berth::bench {
namespace {

void echo(const client_socket& s, std::size_t size) {
    std::vector<char> message(size, 'b');
    const auto whole = static_cast<ssize_t>(size);
    if (::send(s.fd(), message.data(), size, MSG_NOSIGNAL) != whole ||
        ::recv(s.fd(), message.data(), size, MSG_WAITALL) != whole)
        throw server_silent("it stopped answering");
}

void open_idle(std::vector<client_socket>& held, unsigned count, std::size_t size, std::uint16_t port,
               nanoseconds patience) {
    for (unsigned i = 0; i < count; ++i) {
        held.push_back(connect_to(port, SOCK_STREAM));
        set_patience(held.back(), patience);
        echo(held.back(), size);
    }
}

// A server's stock of buffers is no connection's memory: all of it has been touched before the first look.
void use_all_buffers(const std::vector<client_socket>& held, std::size_t size) {
    constexpr unsigned most_buffers = 4096;
    for (unsigned i = 0; i < most_buffers; ++i) echo(held[i % held.size()], size);
}

}  // namespace

double idle_bytes_per_connection(const contestant_entry& entry, const scenario& s, int core, nanoseconds patience) {
    const server_process server(entry, s, core);
    std::vector<client_socket> held;
    held.reserve(s.connections);
    const unsigned before = s.connections / 10;
    open_idle(held, before, s.size, server.port(), patience);
    use_all_buffers(held, s.size);
    server.settle();
    const auto small = static_cast<double>(server.anonymous_bytes());
    open_idle(held, s.connections - before, s.size, server.port(), patience);
    server.settle();
    return (static_cast<double>(server.anonymous_bytes()) - small) / (s.connections - before);
}

}  // namespace berth::bench
