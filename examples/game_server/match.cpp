// Datagrams between the socket and the rules.
#include "match.hpp"

namespace game {
namespace {

// Asio has no option of that name.
using traffic_class_v4 = asio::detail::socket_option::integer<IPPROTO_IP, IP_TOS>;
using traffic_class_v6 = asio::detail::socket_option::integer<IPPROTO_IPV6, IPV6_TCLASS>;

}  // namespace

match::match(berth::listener_pool::endpoint endpoint, std::uint64_t id, const match_options& options,
             const cookie_jar& jar, game_metrics& metrics)
    : endpoint_(std::move(endpoint)),
      writer_(*endpoint_),
      room_(id, options.rules, clock::now()),
      jar_(jar),
      metrics_(metrics) {}

std::shared_ptr<match> match::open(berth::listener_pool& pool, std::size_t shard, std::uint64_t id,
                                   const match_options& options, const cookie_jar& jar, game_metrics& metrics,
                                   berth::error_code& ec) {
    auto endpoint = pool.open(shard, ec);
    if (ec) return nullptr;
    if (options.traffic_class != 0) {  // a socket that hears both families has both
        endpoint->set_option(traffic_class_v4(options.traffic_class), ec);
        if (!ec && endpoint->local_endpoint(ec).protocol() == asio::ip::udp::v6() && !ec) {
            endpoint->set_option(traffic_class_v6(options.traffic_class), ec);
        }
        if (ec) return nullptr;
    }
    auto made = std::make_shared<match>(std::move(endpoint), id, options, jar, metrics);
    made->receive();
    return made;
}

asio::ip::address match::address() const {
    berth::error_code ignored;
    return endpoint_->local_endpoint(ignored).address();
}

void match::receive() {
    endpoint_->async_receive_each([self = shared_from_this()](berth::error_code ec, berth::datagram d) {
        if (ec) {  // closed; or it is asked again at the next tick
            self->is_deaf_ = ec != asio::error::operation_aborted;
            return;
        }
        self->metrics_.received.add();
        std::array<std::byte, largest_packet> out;
        const auto& payload = d.payload;
        const std::span bytes(static_cast<const std::byte*>(payload.buffer().data()), payload.size());
        const auto done = self->room_.receive(bytes, d.source, self->jar_, clock::now(), out);
        if (done.what == verdict::malformed) self->metrics_.malformed.add();
        if (done.what == verdict::stranger) self->metrics_.stranger.add();
        if (done.answer == 0) return;
        self->writer_.send(asio::buffer(out.data(), done.answer), d.source);
        self->metrics_.sent.add();
    });
}

bool match::tick(std::uint32_t number, clock::time_point now, why& reason) {
    if (room_.tick(now, reason)) return true;
    if (std::exchange(is_deaf_, false)) receive();
    const std::size_t playing = room_.playing();
    if (playing == 0) return false;
    std::array<std::byte, largest_packet> out;
    const std::size_t size = room_.write_snapshot(number, out);
    room_.each_playing(
        [&](std::uint16_t, const udp_endpoint& at) { writer_.send(asio::buffer(out.data(), size), at); });
    metrics_.sent.add(playing);
    return false;
}

void match::close(why reason) {
    std::array<std::byte, largest_packet> out;
    berth::error_code ignored;
    endpoint_->non_blocking(true, ignored);
    room_.each_playing([&](std::uint16_t player, const udp_endpoint& at) {
        const std::size_t size = write(out, bye{player, reason});
        endpoint_->send_to(asio::buffer(out.data(), size), at, 0,
                           ignored);  // at once: what is queued ends with the port
        metrics_.sent.add();
    });
    endpoint_.give_back(ignored);
}

}  // namespace game
