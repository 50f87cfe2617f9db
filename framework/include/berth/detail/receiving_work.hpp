// Datagrams that are received one after the other, each into a buffer that is lent.
#pragma once

#include <berth/datagram.hpp>
#include <berth/detail/datagram_control.hpp>
#include <berth/detail/operation.hpp>
#include <berth/error.hpp>

#include <asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace berth::detail {

struct receiving_work {
    using form = message_operation;
    asio::ip::udp::endpoint source;

    void prepare(message_operation& op, bool with_details) noexcept {
        op.what = verb::receive;
        op.address = source.data();
        op.address_size = static_cast<std::uint32_t>(source.capacity());
        op.control_size = with_details ? control_room : 0;
    }

    template <class Handler>
    void call(Handler& handler, message_operation& op, const completion& c, event_loop& loop) {
        datagram d;
        d.payload = lent_buffer(loop, c.lent, c.lent_id);
        source.resize(op.address_size);
        d.source = source;
        d.is_truncated = is_truncated(op.came_with);
        if (op.control_size != 0) read_into(d, read_control(op.control, op.control_size));
        handler(error_code(), std::move(d));
    }
    template <class Handler>
    static void end(Handler& handler, const error_code& ec) {
        handler(ec, datagram());
    }

private:
    static void read_into(datagram& d, const datagram_control& control) {
        if (control.family == 4) {
            asio::ip::address_v4::bytes_type bytes{};
            std::copy_n(control.destination.begin(), bytes.size(), bytes.begin());
            d.destination = asio::ip::address_v4(bytes);
        } else if (control.family == 6) {
            const asio::ip::address_v6 address(control.destination);
            d.destination = address.is_link_local() ? asio::ip::address_v6(control.destination, control.interface_index)
                                                    : address;
        }
        d.traffic_class = control.traffic_class;
        d.segment_size = control.segment_size;
    }
};

}  // namespace berth::detail
