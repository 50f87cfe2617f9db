// What a server is made of under its templates: listeners, limits, sessions and books, one part for each shard.
//
// The core outlives the server until the last of its sessions is gone. No Asio executor appears here.
#pragma once

#include <berth/bound_port.hpp>
#include <berth/detail/session.hpp>
#include <berth/server_options.hpp>

#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace berth::detail {

/// How the core calls a handler: functions that throw nothing. `handler` is what start() was given.
struct session_hooks {
    void (*opened)(void* handler, session&) = nullptr;
    /// Not nullptr: the session reads by itself and calls this with the bytes, which are there until it returns.
    void (*received)(void* handler, session&, const void* data, std::size_t size) = nullptr;
    void (*drained)(void* handler, session&) = nullptr;  ///< was above its high watermark, and is not any more
    void (*stopping)(void* handler, session&) = nullptr;
    void (*closed)(void* handler, session&, const error_code& ec) = nullptr;
};

/// Somebody who waits until a server has stopped.
struct stop_wait : ready_node {
    stop_wait* next = nullptr;
    error_code ec;
};

struct shard_place {
    event_loop* loop;
    io_context* context;
};

class server_core {
public:
    /// Throws std::invalid_argument, naming what makes no sense.
    BERTH_DECL static std::shared_ptr<server_core> make(const std::vector<shard_place>& places,
                                                        const server_options& options);
    server_core() = default;
    server_core(const server_core&) = delete;
    server_core& operator=(const server_core&) = delete;
    virtual ~server_core() = default;

    virtual asio::ip::tcp::endpoint listen(const asio::ip::tcp::endpoint& on, error_code& ec) = 0;
    virtual asio::ip::tcp::endpoint listen(bound_port port, error_code& ec) = 0;
    virtual void start(const session_hooks& hooks, std::shared_ptr<void> handler, error_code& ec) = 0;

    /// Any thread. done (may be nullptr) is posted to the first shard's loop.
    virtual void stop(std::chrono::steady_clock::duration deadline, stop_wait* done) = 0;
    /// The same, and whoever is in the listening sockets' queues stays there.
    virtual void leave(std::chrono::steady_clock::duration deadline, stop_wait* done) = 0;
    [[nodiscard]] virtual bool is_stopping() const noexcept = 0;

    /// Post: all sockets are closed, on all shards. Waits for their threads; not for a handler.
    virtual void end() noexcept = 0;

    [[nodiscard]] virtual server_statistics statistics(std::size_t shard) const noexcept = 0;
    [[nodiscard]] virtual std::size_t size() const noexcept = 0;
};

}  // namespace berth::detail
