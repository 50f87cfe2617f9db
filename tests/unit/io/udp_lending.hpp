// Datagrams that are lent: the ground of their tests.
#pragma once

#include <berth/udp_writer.hpp>

#include <asio.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace io_test {

using asio::ip::udp;
using berth::datagram;
using berth::datagram_details;
using berth::udp_socket;
using berth::udp_writer;

inline const udp::endpoint any_udp_port(asio::ip::address_v4::loopback(), 0);
using type_of_service = asio::detail::socket_option::integer<ASIO_OS_DEF(IPPROTO_IP), IP_TOS>;

inline std::string text_of(const datagram& d) {
    return {static_cast<const char*>(d.payload.data()), d.payload.size()};
}

class udp_lending : public by_backend {
protected:
    void large_buffers() {
        context_ = std::make_unique<berth::io_context>(
            berth::io_context_options{.backend = GetParam(), .lent_buffer_size = 66'000, .lent_buffer_count = 8});
    }
    /// Receives until `count` came, then closes.
    std::vector<datagram> receive(udp_socket& socket, std::size_t count) {
        std::vector<datagram> all;
        socket.async_receive_each([&](error_code ec, datagram d) {
            if (ec) return;
            all.push_back(std::move(d));
            if (all.size() == count) socket.close();
        });
        run();
        return all;
    }
};
}  // namespace io_test
