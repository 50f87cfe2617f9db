// What lies in the sockets of a simulation: datagrams, queued clients, bytes of streams; and the far ends of them.
//
// A socket is an inode of the model kernel. What arrives carries the mark of the session that the port was in when it
// came, so that whoever reads it later can tell whether it was meant for him. The far ends are the program's: it says
// when one sends, connects, ends or resets. One thread.
#pragma once

#include "simulation/model_system.hpp"

#include <netinet/in.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace berth::simulation {

using platform::native_socket;

/// Which taking of a port something belongs to; 0: none.
using session_mark = std::uint64_t;

/// Bytes of a datagram or stream say whose they are.
inline unsigned char fill_of(session_mark mark) noexcept { return static_cast<unsigned char>(mark % 251 + 1); }

struct model_datagram {
    session_mark mark = 0;
    std::uint32_t size = 0;  // bytes
    std::uint16_t from = 0;
};

/// Both directions of a connection.
struct model_stream {
    session_mark mark = 0;
    std::uint16_t local = 0, remote = 0;
    std::uint32_t waiting = 0;  // bytes that came and were not read
    std::uint32_t room = 4096;  // bytes that may be written
    bool is_up = false;
    bool has_ended = false;  // the far end said so
    bool was_reset = false;
    bool is_shut = false;  // our end said so
    bool is_cut = false;   // our end closed it with a reset
    bool was_accepted = false;
    // What our end sends, where the program says what that is to be: byte after byte, in order, each once.
    unsigned char (*expected)(session_mark, std::uint64_t position) = nullptr;
    std::uint64_t taken = 0;    // bytes that the system took
    std::int64_t taken_at = 0;  // the virtual clock's time of the last
    bool is_garbled = false;
};

struct model_socket {
    bool is_tcp = false;
    bool is_listening = false;
    std::deque<model_datagram> datagrams;
    std::deque<std::shared_ptr<model_stream>> clients;
    std::shared_ptr<model_stream> stream;
};

/// The address of whoever has this port: loopback for ours, and three networks for what comes from elsewhere.
sockaddr_in6 name_of(std::uint16_t port) noexcept;
inline std::uint16_t network_of(std::uint16_t remote) noexcept { return remote % 3; }

class model_network {
public:
    explicit model_network(test::simulated_provider& kernel) noexcept;
    model_network(const model_network&) = delete;
    model_network& operator=(const model_network&) = delete;
    ~model_network();
    static model_network& installed() noexcept;

    [[nodiscard]] test::simulated_provider& kernel() const noexcept { return kernel_; }
    /// nullptr: not a descriptor.
    model_socket* find(native_socket socket);
    [[nodiscard]] std::uint16_t local_port(native_socket socket);
    /// -1: descriptors have run out.
    native_socket open(bool is_tcp);
    native_socket accepted(std::shared_ptr<model_stream> stream);
    error_code close(native_socket socket);
    /// The kernel's word that a session socket is empty now.
    void emptied(std::uint64_t inode);
    void listens(native_socket socket);

    /// The first client in a listening socket's queue; -1 and the system's number: none, or no descriptor.
    native_socket accept(native_socket listener, int& error);
    void cut(native_socket socket);

    /// Arrivals. False: the port is silent, or nobody's.
    bool datagram(std::uint16_t port, const model_datagram& d);
    bool client(std::uint16_t port, std::shared_ptr<model_stream> stream);

    [[nodiscard]] bool has_datagrams(std::uint64_t inode) const {
        const auto at = sockets_.find(inode);
        return at != sockets_.end() && !at->second.datagrams.empty();
    }
    [[nodiscard]] std::size_t sockets() const noexcept { return sockets_.size(); }

private:
    /// Of the session socket that hears for a port.
    model_socket* heard_at(bool is_tcp, std::uint16_t port);

    test::simulated_provider& kernel_;
    std::map<std::uint64_t, model_socket> sockets_;  // by inode
};

}  // namespace berth::simulation
