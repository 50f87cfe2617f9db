// One client over a stream: what it has sent so far of its next message, and what waits to be sent to it.
//
// A plain connection queues by itself. Over TLS one write is under way at a time, and what comes meanwhile is the
// next. Shared with the write that is under way. Belongs to its shard's thread.
#pragma once

#include "channel_data.hpp"
#include "turn_shard.hpp"

#include <berth/connection.hpp>

#include <asio/ssl/stream.hpp>

#include <deque>
#include <memory>
#include <vector>

namespace relay {

class stream_client final : public client_sink, public std::enable_shared_from_this<stream_client> {
public:
    using tls_stream = asio::ssl::stream<berth::connection>;

    stream_client(turn_shard& shard, berth::connection connection, asio::ssl::context* tls);

    bool send(const asio::ip::udp::endpoint& to, bytes_view head, bytes_view body, std::size_t padding) override;
    [[nodiscard]] bool is_stream() const noexcept override { return true; }
    [[nodiscard]] const char* name() const noexcept override { return tls_ ? "tls" : "tcp"; }

    /// Where the next bytes go.
    [[nodiscard]] asio::mutable_buffer room();
    /// So many came; false: nonsense, or more than it may send, and the connection is to end.
    [[nodiscard]] bool received(std::size_t size);

    /// Ends the connection if it has had no allocation for longer than it may.
    void check(coarse_time now);
    /// Nobody sends to it any more, and it asks nothing of its shard. No effect the second time.
    void end();

    [[nodiscard]] berth::connection& connection() noexcept { return connection_; }
    [[nodiscard]] tls_stream& tls() noexcept { return *tls_; }
    [[nodiscard]] client_address address() noexcept { return {this, remote_}; }

private:
    void write_next();

    turn_shard& shard_;
    berth::connection connection_;
    std::unique_ptr<tls_stream> tls_;
    asio::ip::udp::endpoint remote_;
    coarse_time idle_since_;
    std::vector<std::uint8_t> incoming_;
    std::size_t filled_ = 0;
    std::deque<std::vector<std::uint8_t>> outgoing_;  // over TLS; the first is under way
    std::size_t outgoing_size_ = 0;                   // bytes
    bool is_over_ = false;
};

}  // namespace relay
