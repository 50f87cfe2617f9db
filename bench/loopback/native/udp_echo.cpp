// berth over UDP with its own calls: datagrams are lent, runs of one sender go back in one call.
#include "loopback/contract/contestant.hpp"
#include "loopback/contract/server_sockets.hpp"
#include "loopback/native/loop.hpp"

#include <berth/udp_writer.hpp>

#include <utility>

namespace berth::bench {

void serve_udp(const server_order& order) {
    io_context loop(loop_options(order));
    udp_socket socket(loop, asio::ip::udp::v4(), open_udp_socket());
    udp_writer writer(socket, order.offload ? segmentation::best : segmentation::never);
    socket.async_receive_each([&writer](error_code ec, datagram d) {
        if (!ec) writer.send(std::move(d.payload), d.source);
    });
    announce(order, socket.native_handle());
    loop.run();
}

}  // namespace berth::bench
