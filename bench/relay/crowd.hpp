// Many TURN clients on one socket: each is an address of 127.0.0.0/8, the port is one and the same.
//
// A TURN server tells clients by address and port, and so many addresses are as many clients to it; the load
// generator has one descriptor, sends to all of them in one call and hears of all of them in one call.
#pragma once

#include "loopback/load/client_socket.hpp"
#include "measure/clock.hpp"
#include "stun_message.hpp"

#include <netinet/in.h>

#include <cstdint>
#include <vector>

namespace berth::bench {

class crowd {
public:
    /// server_port: of 127.0.0.1. largest: bytes of a datagram. Throws std::runtime_error.
    crowd(std::uint16_t server_port, std::size_t largest);

    /// Copied; goes with the next flush(), or by itself when a batch is full.
    void send(std::uint32_t client, relay::bytes_view datagram);
    void flush();

    /// What is there now, one batch at most: handle(client, bytes). Returns how many came.
    template <class Handle>
    unsigned receive(Handle&& handle) {
        const int count = receive_batch();
        for (int i = 0; i < count; ++i) {
            const auto slot = static_cast<std::size_t>(i);
            handle(client_of(slot), relay::bytes_view(&received_[slot * largest_], incoming_[slot].msg_len));
        }
        return static_cast<unsigned>(count);
    }

    [[nodiscard]] int fd() const noexcept { return socket_.fd(); }

private:
    static constexpr std::size_t batch = 64;
    struct named_address {  // the control message that carries a client's address
        alignas(cmsghdr) std::byte room[CMSG_SPACE(sizeof(in_pktinfo))];
    };
    int receive_batch();
    [[nodiscard]] std::uint32_t client_of(std::size_t slot) const;

    std::size_t largest_;
    client_socket socket_;
    sockaddr_in server_;
    std::vector<std::uint8_t> sent_, received_;
    std::vector<iovec> out_pieces_, in_pieces_;
    std::vector<named_address> out_names_, in_names_;
    std::vector<mmsghdr> outgoing_, incoming_;
    std::size_t queued_ = 0;
};

}  // namespace berth::bench
