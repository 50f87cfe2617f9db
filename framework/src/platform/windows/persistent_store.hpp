// Windows' own persistent reservations: iphlpapi's calls, and shares of a block drawn by its token.
//
// Windows keeps the blocks and gives a port to each socket that is associated with a token; it tells nobody which
// blocks there are, nor which ports of one are taken. So a share holds all of its block's ports or is not made, and
// the store remembers the blocks whose tokens this process was told. Thread-safe.
#pragma once

#include "platform/port_provider.hpp"
#include "platform/windows/windows_calls.hpp"

#include <berth/persistent.hpp>

#include <mutex>
#include <optional>
#include <vector>

namespace berth::platform {

class persistent_store {
public:
    explicit persistent_store(windows_calls& os) noexcept : os_(os) {}

    /// What a token of this process's stands for.
    struct known_block {
        reservation_token token;
        port_block block;
        transport protocol = transport::tcp;
        tcp_use use = tcp_use::listen;
    };

    reservation_token create(const port_block& block, transport protocol, tcp_use use, failure& f);
    void remove(const port_block& block, transport protocol, failure& f);
    reservation_token lookup(const port_block& block, transport protocol, tcp_use use, failure& f);
    [[nodiscard]] std::optional<known_block> find(reservation_token token);
    /// An empty failure: the system has persistent blocks.
    [[nodiscard]] failure refusal();

private:
    void remember(const known_block& block);

    windows_calls& os_;
    std::mutex mutex_;
    std::vector<known_block> known_;
};

}  // namespace berth::platform
