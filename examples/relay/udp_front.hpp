// A UDP listening address: its datagrams are received on one shard, and each client's are answered on its own.
//
// Every shard has a descriptor of the same socket to send with. A client's shard is a keyed hash of its address and
// port; what is another shard's is copied into a batch that goes there when the turn ends, so that buffers of the
// receiving shard never wait for another one. SO_REUSEPORT would let others of this user join the port, and a socket
// for each client would meet the datagrams of the next one.
#pragma once

#include "client.hpp"
#include "turn_shard.hpp"

#include <berth/bound_port.hpp>
#include <berth/steady_timer.hpp>
#include <berth/udp_socket.hpp>
#include <berth/udp_writer.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

namespace relay {

class udp_front {
public:
    /// `receiving`: which of the shards. Throws std::system_error. Pre: no shard runs yet.
    udp_front(berth::bound_port port, asio::ip::udp protocol, const std::vector<turn_shard*>& shards,
              std::size_t receiving);
    udp_front(const udp_front&) = delete;
    udp_front& operator=(const udp_front&) = delete;

    /// On the receiving shard, once.
    void start() { receive(); }
    /// On the receiving shard, from time to time: counts what its socket had no room for.
    void tick() noexcept;
    /// On any thread when no shard runs any more; the port goes back.
    void close() noexcept;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_.port(); }
    [[nodiscard]] std::size_t receiving() const noexcept { return receiving_; }

private:
    static constexpr std::size_t most_handed = 4 * 1024 * 1024;  ///< bytes that may be on their way to one shard

    /// What was received for another shard.
    struct batch {
        struct entry {
            asio::ip::udp::endpoint source;
            std::size_t size;
        };
        std::vector<entry> entries;
        std::vector<std::uint8_t> bytes;
    };
    /// One shard's side.
    struct side final : client_sink {
        side(turn_shard& s, berth::udp_socket opened) : shard(s), socket(std::move(opened)) {
            writer.emplace(socket);
        }
        bool send(const asio::ip::udp::endpoint& to, bytes_view head, bytes_view body, std::size_t padding) override;
        [[nodiscard]] bool is_stream() const noexcept override { return false; }
        [[nodiscard]] const char* name() const noexcept override { return "udp"; }

        turn_shard& shard;
        berth::udp_socket socket;
        std::optional<berth::udp_writer> writer;
        std::vector<std::uint8_t> message;  // of a send, put together
        std::unique_ptr<batch> gathered;    // for this shard, on the receiving one
        std::atomic<std::size_t> handed{0};
    };

    void receive();
    void received(berth::datagram& d);
    void hand_over(side& to, const asio::ip::udp::endpoint& source, bytes_view bytes);
    void flush();

    berth::bound_port port_;
    std::size_t receiving_;
    std::size_t seed_ = 0;
    std::vector<std::unique_ptr<side>> sides_;
    std::optional<berth::steady_timer> again_;
    std::uint32_t overflowed_ = 0;  // as far as it was counted
    bool is_flush_due_ = false;
    bool is_closed_ = false;
};

}  // namespace relay
