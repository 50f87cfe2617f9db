// What the process remembers about callers' own sockets: associated but not bound yet, or bound to a port of a block.
// Those with whose life a block ends are in acquiring_sockets.
//
// Keyed by socket cookie, never by descriptor number: numbers are given out again, cookies are not. A mutex: off the
// fast path of take. Entries of sockets that were closed unbound go when the table has doubled; until then they cannot
// be mistaken for another socket's.
#pragma once

#include "platform/port_provider.hpp"

#include <berth/reservation_token.hpp>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace berth::detail {

class port_lane;
class reservation_core;

/// What associate found out about a caller's socket.
struct association {
    reservation_token token;
    std::uint64_t inode = 0;
    bool is_tcp = false;
    bool is_drawn = false;  ///< from a block that the system itself keeps
};

/// Where a bound caller's socket stands.
struct callers_port {
    std::weak_ptr<reservation_core> core;
    port_lane* lane = nullptr;
    std::uint32_t index = 0;
};

class association_table {
public:
    static association_table& instance();

    void associate(std::uint64_t cookie, const association& known);
    /// Without a token if the socket is not associated.
    [[nodiscard]] association find(std::uint64_t cookie) noexcept;
    void forget(std::uint64_t cookie) noexcept;
    void forget(reservation_token token) noexcept;

    /// The memory for a bound socket, so that binding it cannot fail for want of it once it is done.
    class place {
    public:
        explicit place(association_table& table);
        ~place();
        place(const place&) = delete;
        place& operator=(const place&) = delete;

    private:
        friend class association_table;
        association_table& table_;
        std::unordered_map<std::uint64_t, callers_port>::node_type node_;
    };
    /// Post: the place is used up.
    void bound(std::uint64_t cookie, callers_port port, place& at) noexcept;
    /// Removes and returns; lane is nullptr if the socket has no port.
    [[nodiscard]] callers_port unbind(std::uint64_t cookie) noexcept;

private:
    void purge();

    std::mutex mutex_;
    std::unordered_map<std::uint64_t, association> pending_;
    std::size_t purge_at_ = 256;
    std::unordered_map<std::uint64_t, callers_port> bound_;
    std::size_t places_ = 0;  // that are not used up: bound_ has room for them
};

}  // namespace berth::detail
