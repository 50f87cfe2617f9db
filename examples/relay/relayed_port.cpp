// See relayed_port.hpp.
#include "relayed_port.hpp"

#include <berth/io_context.hpp>

namespace relay {

std::shared_ptr<relayed_port> relayed_port::open(berth::io_context& context, relay_block& block,
                                                 berth::bound_port port, listener& who, berth::error_code& ec) {
    berth::udp_socket socket(context);
    socket.assign_own(block.protocol(), port.io_handle(), ec);
    if (ec) return nullptr;
    auto made = std::make_shared<relayed_port>(berth::bound<berth::udp_socket>(std::move(socket), std::move(port)),
                                               block, who);
    made->writer_.emplace(*made->socket_);
    made->receive();
    return made;
}

void relayed_port::receive() {
    socket_->async_receive_each([self = shared_from_this()](const berth::error_code& ec, berth::datagram d) {
        if (self->listener_ == nullptr) return;
        if (ec) {  // it was not us who ended it
            if (++self->failures_ > 100) return self->listener_->is_deaf(*self, ec);
            return self->receive();
        }
        self->failures_ = 0;
        self->listener_->from_peer(*self, d);
    });
}

void relayed_port::end() noexcept {
    listener_ = nullptr;
    writer_.reset();  // what was sent in this turn is handed over
    berth::error_code ignored;
    socket_.give_back(ignored);
}

}  // namespace relay
