// One relayed transport address: a port out of the block with its socket on the shard, and whom its datagrams
// concern.
//
// It lives until its last receive has ended, which is after end(): so it is shared with its handler. From end() on
// nobody hears of it, and the port is back in its block. Belongs to its shard's thread.
#pragma once

#include "relay_block.hpp"

#include <berth/bound.hpp>
#include <berth/udp_socket.hpp>
#include <berth/udp_writer.hpp>

#include <memory>
#include <optional>

namespace relay {

class relayed_port : public std::enable_shared_from_this<relayed_port> {
public:
    /// Who hears of a datagram.
    class listener {
    public:
        virtual void from_peer(relayed_port& on, berth::datagram& received) = 0;
        /// Nothing is heard of peers any more; sending goes on.
        virtual void is_deaf(relayed_port& on, const berth::error_code& why) = 0;

    protected:
        ~listener() = default;
    };

    /// nullptr and an error if the socket cannot be had.
    static std::shared_ptr<relayed_port> open(berth::io_context& context, relay_block& block, berth::bound_port port,
                                              listener& who, berth::error_code& ec);

    /// What clients are told.
    [[nodiscard]] asio::ip::udp::endpoint address() const { return {block_->external(), socket_.port()}; }
    [[nodiscard]] bool is_ipv6() const noexcept { return block_->address().is_v6(); }
    [[nodiscard]] const relay_block& block() const noexcept { return *block_; }

    /// Copies.
    void send(asio::const_buffer payload, const asio::ip::udp::endpoint& peer) {
        if (writer_) writer_->send(payload, block_->to_local(peer));
    }
    /// Pre: the buffer was lent by this shard, which has it back once the datagram left.
    void send(berth::lent_buffer payload, const asio::ip::udp::endpoint& peer) {
        if (writer_) writer_->send(std::move(payload), block_->to_local(peer));
    }

    void end() noexcept;

    relayed_port(berth::bound<berth::udp_socket> socket, relay_block& block, listener& who)
        : socket_(std::move(socket)), block_(&block), listener_(&who) {}

private:
    void receive();

    berth::bound<berth::udp_socket> socket_;
    std::optional<berth::udp_writer> writer_;  // behind the socket: it goes first
    relay_block* block_;
    listener* listener_;
    int failures_ = 0;  // of receives, since the last datagram
};

}  // namespace relay
