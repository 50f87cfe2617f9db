// berth's way: a block of 64 ports with as many session sockets each as there are destinations.
#include "outbound_connect/way.hpp"

#include <berth/io_context.hpp>
#include <berth/outbound.hpp>
#include <berth/tcp_socket.hpp>

#include <optional>

namespace berth::bench {
namespace {

class shared_ports final : public way {
public:
    explicit shared_ports(const far_addresses& to) : to_(to), up_(destinations * ports_each) {
        reservation_request request;
        request.block.count = ports_each;
        request.protocol = transport::tcp;
        request.use = tcp_use::connect;
        request.family = address_family::ipv4;
        request.sessions_per_port = destinations;
        ports_ = port_reservation::reserve(request);
    }
    bool connect(std::uint32_t number) override {
        const asio::ip::tcp::endpoint to(asio::ip::address_v4(to_.first + number / ports_each), to_.port);
        error_code ec;
        auto b = ports_.connect<tcp_socket>(context_.get_executor(), to, ec);
        if (ec) return false;
        up_[number].emplace(std::move(b));
        return true;
    }
    void end(std::uint32_t number) override { up_[number].reset(); }

private:
    const far_addresses to_;
    io_context context_;
    port_reservation ports_;
    std::vector<std::optional<bound<tcp_socket>>> up_;
};

}  // namespace

way_entry shared_ports_entry() {
    return {"berth: port_reservation::connect", "draw of port and session socket, connect + poll, a tcp_socket", 0,
            [](const far_addresses& to) { return std::make_unique<shared_ports>(to); }};
}

}  // namespace berth::bench
