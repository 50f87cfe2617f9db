// A computer that follows the documents to the letter: reservations, tokens, lifetimes, persistent blocks.
//
// Nothing of it is Windows' own code, so it is no proof of what Windows does: it is the five documents as a program,
// and where they leave something open it says so (`left_open` in the tests). Ports that are reserved are really kept,
// by exclusive sockets, so that strangers' binds fail and packets flow. Several documents_systems, one a process, may
// share a machine.
#pragma once

#include "platform/windows/windows_calls.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

namespace documents {

using berth::platform::native_socket;

struct socket_kind {
    bool is_tcp = false;
    int family = AF_INET;
    bool is_ipv6_only = false;
};

class documents_machine {
public:
    documents_machine() = default;
    ~documents_machine();
    documents_machine(const documents_machine&) = delete;
    documents_machine& operator=(const documents_machine&) = delete;

    // The acts; ports in host byte order. 0 or a Winsock error; persistent ones a Win32 error.
    int acquire(std::uint32_t process, native_socket s, bool tcp, std::uint16_t first, std::uint16_t count,
                std::uint16_t& got, std::uint64_t& token);
    int associate(std::uint32_t process, bool admin, native_socket s, bool tcp, std::uint64_t token);
    int release(std::uint32_t process, std::uint64_t token);
    /// nullopt: the socket is not associated, bind is as always.
    std::optional<int> bind(native_socket s, const socket_kind& kind, const sockaddr* address, int size);
    int create_persistent(bool tcp, std::uint16_t first, std::uint16_t count, std::uint64_t& token);
    int delete_persistent(bool tcp, std::uint16_t first, std::uint16_t count);
    int look_up_persistent(bool tcp, std::uint16_t first, std::uint16_t count, std::uint64_t& token);

    /// Sockets were closed, by whomever: ports return to their blocks, blocks whose acquiring socket is gone end.
    void sweep();
    void end_process(std::uint32_t process);
    /// Every process ends; persistent blocks stay, with other tokens.
    void restart();
    /// Handles on the object that are the machine's own.
    std::uint32_t own_handles(HANDLE h);

    std::size_t reservations();
    std::size_t free_ports(std::uint64_t token);

private:
    struct reservation {
        bool tcp = false;
        std::uint16_t first = 0;
        std::uint32_t count = 0;
        std::uint64_t token = 0;
        std::uint32_t process = 0;   // 0: persistent
        HANDLE acquiring = nullptr;  // a handle of ours on the socket; nullptr: persistent
    };
    struct member {  // an associated socket
        HANDLE object;
        std::uint64_t token;
        std::uint32_t process;
        std::uint16_t port;  // 0: not bound yet
        socket_kind kind;
    };
    struct keepers {  // of a port that is reserved
        native_socket ipv4 = -1, ipv6 = -1;
    };

    reservation* find(std::uint64_t token);
    bool keep(bool tcp, std::uint16_t port);
    void let_go(bool tcp, std::uint16_t port);
    bool is_reserved(bool tcp, std::uint32_t port) const;
    int reserve(reservation r);
    void end(std::size_t i);
    void sweep_locked();
    member* member_of(native_socket s);
    std::uint64_t new_token();

    berth::platform::winsock_calls os_;
    std::mutex mutex_;
    std::vector<reservation> reservations_;
    std::vector<member> members_;
    std::map<std::pair<bool, std::uint16_t>, keepers> kept_;
    std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace documents
