// See relay_server.hpp.
#include "relay_server.hpp"

#include <berth/async_reserve.hpp>
#include <berth/service/reserve_patiently.hpp>

#include <asio/post.hpp>

#include <utility>

namespace relay {
namespace {

berth::server_options stream_limits(const relay_options& o) {
    berth::server_options made;
    made.max_connections = o.max_connections;
    made.max_connections_per_address = o.max_connections_per_address;
    made.when_full = berth::beyond_limit::reset;
    made.first_byte = std::chrono::milliseconds(std::uint64_t{o.stream_grace} * 1000 / 3);
    made.idle =
        std::chrono::seconds(o.max_lifetime) + std::chrono::minutes(1);  // allocations have a deadline of their own
    made.high_watermark = o.limit.stream_backlog * 2;                    // we look at the queue ourselves
    made.low_watermark = o.limit.stream_backlog;
    return made;
}

std::unique_ptr<world> world_from(const relay_options& o, berth::service::logger& log) {
    credentials users(o.realm);
    for (const auto& user : o.users) {
        const auto colon = user.find(':');
        users.add_user(user.substr(0, colon), std::string_view(user).substr(colon + 1));
    }
    users.set_secret(o.rest_secret);
    auto made = std::make_unique<world>(std::move(users), peer_policy(o.rules), o.limit, o.quota, log);
    made->limit.max_lifetime = std::chrono::seconds(o.max_lifetime);
    made->limit.stream_grace = std::chrono::seconds(o.stream_grace);
    if (!o.alternate_server.empty()) made->alternate_server = endpoint_from(o.alternate_server, "--alternate-server");
    return made;
}

std::unique_ptr<asio::ssl::context> tls_from(const relay_options& o) {
    if (o.tls_listen.empty()) return nullptr;
    auto made = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    berth::error_code ec;
    // RFC 8996: nothing older than 1.2, whatever the system's OpenSSL would still speak.
    made->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, ec);
    if (!ec) made->use_certificate_chain_file(o.certificate, ec);
    if (ec)
        throw wrong_option("--certificate: '" + o.certificate +
                           "' is no chain of certificates in PEM: " + ec.message());
    made->use_private_key_file(o.key, asio::ssl::context::pem, ec);
    if (ec) throw wrong_option("--key: '" + o.key + "' is not its private key in PEM: " + ec.message());
    return made;
}

}  // namespace

relay_server::relay_server(const relay_options& options, berth::shards& on, berth::service::logger& log)
    : options_((check(options), options)), world_(world_from(options, log)), tls_(tls_from(options)), shards_(on) {
    reserve_blocks();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        turn_.push_back(std::make_unique<turn_shard>(shards_[i], *world_));
        turn_pointers_.push_back(turn_.back().get());
    }
    listen();
}

relay_server::~relay_server() {
    tcp_front_.reset();  // their connections end while there are shards
    tls_front_.reset();
    for (const auto& front : udp_) front->close();
    for (const auto& shard : turn_) shard->end_all("stopped");
}

void relay_server::reserve_blocks() {
    const berth::port_block wanted = block_from(options_.ports);
    for (std::size_t i = 0; i < options_.relay_address.size(); ++i) {
        const auto address = address_from(options_.relay_address[i], "--relay-address");
        const auto external = i < options_.external_address.size()
                                  ? address_from(options_.external_address[i], "--external-address")
                                  : address;
        if (address.is_unspecified()) throw wrong_option("--relay-address: one address, which clients can be told");
        if (external.is_v4() != address.is_v4() || world_->block_of(address.is_v6()))
            throw wrong_option("--relay-address: one for each family, and the external one of the same");
        berth::reservation_request request;
        request.block = wanted;
        request.family = address.is_v4() ? berth::address_family::ipv4 : berth::address_family::ipv6;
        request.address = address;
        request.cool_down = std::chrono::milliseconds(options_.cool_down);
        auto ports = berth::service::reserve_patiently(request, world_->log);
        const berth::port_block got = ports.block();
        for (const auto& own : {address, external}) world_->policy.add_own(own, got.first, got.first + got.count);
        world_->log.info(
            "relaying",
            {{"address", address}, {"external", external}, {"first_port", got.first}, {"ports", got.count}});
        world_->blocks.emplace_back(std::move(ports), address, external);
    }
}

berth::port_reservation relay_server::reserve_listener(const asio::ip::udp::endpoint& at, bool with_udp) {
    berth::reservation_request request;
    request.block = {at.port(), 1};
    request.protocol = with_udp ? berth::transport::tcp_and_udp : berth::transport::tcp;
    request.family = at.address().is_v4() ? berth::address_family::ipv4 : berth::address_family::ipv6;
    if (!at.address().is_unspecified()) request.address = at.address();
    request.use = berth::tcp_use::listen;
    auto made = berth::service::reserve_patiently(request, world_->log);
    listening_.emplace_back(at.address(), made.block().first);
    world_->policy.add_own(at.address(), 0, 0);
    world_->log.info("listening", {{"over", with_udp ? "udp,tcp" : "tls"}, {"at", listening_.back()}});
    return made;
}

void relay_server::listen() {
    const auto limits = stream_limits(options_);
    if (!options_.listen.empty())
        tcp_front_ = std::make_unique<stream_front>(shards_, turn_pointers_, nullptr, limits);
    for (const auto& text : options_.listen) {
        const auto at = endpoint_from(text, "--listen");
        auto& reserved = listeners_.emplace_back(reserve_listener(at, true));
        berth::error_code ec;
        auto udp = reserved.take(berth::transport::udp, ec);
        if (!ec) tcp_front_->listen(reserved.take(berth::transport::tcp, ec));
        if (ec) throw std::system_error(ec, "listen on " + text);
        udp_.push_back(
            std::make_unique<udp_front>(std::move(udp), at.protocol(), turn_pointers_, udp_.size() % turn_.size()));
    }
    if (!options_.tls_listen.empty())
        tls_front_ = std::make_unique<stream_front>(shards_, turn_pointers_, tls_.get(), limits);
    for (const auto& text : options_.tls_listen) {
        auto& reserved = listeners_.emplace_back(reserve_listener(endpoint_from(text, "--tls-listen"), false));
        berth::error_code ec;
        tls_front_->listen(reserved.take(berth::transport::tcp, ec));
        if (ec) throw std::system_error(ec, "listen on " + text);
    }
}

void relay_server::start() {
    for (const auto& front : udp_) {
        asio::post(shards_[front->receiving()].get_executor(), [f = front.get()] { f->start(); });
    }
    if (tcp_front_) tcp_front_->start();
    if (tls_front_) tls_front_->start();
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        ticks_.push_back(std::make_unique<berth::steady_timer>(shards_[i]));
        start_ticking(i);
    }
}

void relay_server::start_ticking(std::size_t shard) {
    ticks_[shard]->expires_after(options_.limit.tick);
    ticks_[shard]->async_wait([this, shard](const berth::error_code& ec) {
        if (ec) return;
        tick(shard);
        start_ticking(shard);
    });
}

void relay_server::tick(std::size_t shard) {
    turn_[shard]->tick();
    for (const auto& front : udp_) {
        if (front->receiving() == shard) front->tick();
    }
    if (tcp_front_) tcp_front_->tick(shard);
    if (tls_front_) tls_front_->tick(shard);
    if (shard != 0) return;
    world_->kept.prune(turn_[0]->now());
    look_at_drain();
}

void relay_server::look_at_drain() {
    if (drained_ && world_->allocations.load() == 0) std::exchange(drained_, {})();
}

void relay_server::drain(std::function<void()> done) {
    world_->is_draining.store(true);
    world_->log.info("draining", {{"allocations", world_->allocations.load()}});
    drained_ = std::move(done);
    look_at_drain();
}

}  // namespace relay
