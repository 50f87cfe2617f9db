// See client.hpp. What clients of both protocols have alike; speaking_socks.cpp and speaking_http.cpp have the rest.
#include "client.hpp"

#include "protocol/proxy_header.hpp"
#include "tunnel.hpp"

#include <asio/write.hpp>

#include <algorithm>

namespace outbound_proxy {
namespace {

asio::ip::tcp::endpoint plain_endpoint(const asio::ip::tcp::endpoint& e) { return {plain(e.address()), e.port()}; }

}  // namespace

client::client(std::shared_ptr<proxy> of, berth::connection from)
    : proxy_(std::move(of)),
      connection_(std::move(from)),
      incoming_(connection_),
      accepted_(clock::now()),
      deadline_(accepted_ + proxy_->config.handshake),
      upstream_(connection_.get_executor()) {
    berth::error_code gone;
    address_ = plain_endpoint(connection_.remote_endpoint(gone));
    connection_.set_option(asio::ip::tcp::no_delay(true), gone);  // what is small here was small when it came
}

asio::awaitable<void> client::serve() {
    co_await introduce();
    write_line();
    if (!has_tunnel_) co_await part();
}

// An answer that is followed by a reset, since there is more to read, may never be read itself.
asio::awaitable<void> client::part() {
    if (!connection_.is_open()) co_return;
    berth::error_code ec;
    connection_.shutdown(asio::socket_base::shutdown_send, ec);
    const auto deadline = clock::now() + std::chrono::seconds(1);
    std::vector<char> nothing(4096);
    for (int i = 0; i < 64 && !ec; ++i) {
        std::tie(ec, std::ignore) =
            co_await connection_.async_read_some(asio::buffer(nothing), berth::cancel_at(deadline, awaited));
    }
}

asio::awaitable<void> client::introduce() {
    if (const auto ec = co_await incoming_.receive(deadline_, true); ec) {
        if (ec == asio::error::timed_out) odd("nothing said in time", proxy_->counts.late);
        co_return give_up(ec == asio::error::timed_out ? "late" : "left");
    }
    if (proxy_->config.proxy_header != header_policy::off && !co_await read_proxy_header()) co_return;
    if (!admit()) {
        connection_.reset();
        co_return give_up("crowded");
    }
    while (incoming_.bytes().empty()) {
        if (co_await incoming_.receive(deadline_)) co_return give_up("left");
    }
    const std::uint8_t first = incoming_.bytes().front();
    if (first == socks_version) co_return co_await speak_socks();
    if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') || first == '\r')
        co_return co_await speak_http();
    odd("neither SOCKS5 nor HTTP", proxy_->counts.malformed);
    give_up("malformed");
}

asio::awaitable<bool> client::read_proxy_header() {
    const auto& trusted = proxy_->config.trusted;
    const bool is_trusted =
        std::any_of(trusted.begin(), trusted.end(), [&](const network& n) { return n.contains(address_.address()); });
    if (proxy_->config.proxy_header == header_policy::allow) {
        header_guess guess = guess_proxy_header(incoming_.bytes());
        while (guess == header_guess::more) {
            if (co_await incoming_.receive(deadline_)) break;
            guess = guess_proxy_header(incoming_.bytes());
        }
        if (guess != header_guess::yes) co_return true;
    }
    proxy_header header;
    berth::error_code ec;
    parsed p;
    if (is_trusted) p = co_await incoming_.next(header, deadline_, ec);
    if (p.state == outcome::whole) {
        if (header.client) address_ = plain_endpoint(*header.client);
        co_return true;
    }
    odd(!is_trusted                 ? "a PROXY header is expected, or was sent, and its sender is not trusted"
        : p.state == outcome::wrong ? p.why
                                    : "a PROXY header that was cut off",
        proxy_->counts.untrusted_headers);
    connection_.reset();
    give_up("proxy_header");
    co_return false;
}

bool client::admit() {
    if (!proxy_->address_clients) return true;
    berth::error_code ec;
    as_client_ = proxy_->address_clients->take(limit_key(address_.address()), ec);
    if (ec) odd("too many connections of its address", proxy_->counts.crowded);
    return !ec;
}

problem client::count_ports(std::uint32_t count) {
    berth::error_code ec;
    counted_.give_back();  // of an attempt that failed
    counted_ = proxy_->count_ports(user_, address_.address(), count, ec);
    return ec ? problem::quota : problem::none;
}

asio::awaitable<void> client::carry() {
    has_tunnel_ = true;
    const octets waiting = incoming_.bytes();
    std::vector<char> first(waiting.begin(), waiting.end());
    incoming_.clear();
    auto& counts = proxy_->counts;
    counts.tunnels_open.add();
    tunnel through(connection_, *upstream_, proxy_->config.idle);
    through.count_in(counts.bytes_up, counts.bytes_down);
    co_await through.run(proxy_->watch_of(connection_.shard()), std::move(first), proxy_->config.write);
    counts.tunnels_open.sub();
    record_.bytes_up = through.bytes_up();
    record_.bytes_down = through.bytes_down();
    give_up(through.ending());
    berth::error_code ignored;
    upstream_.give_back(ignored);
    counted_.give_back();
}

asio::awaitable<bool> client::send(octets bytes) {
    const auto [ec, size] =
        co_await asio::async_write(connection_, asio::buffer(bytes.data(), bytes.size()), awaited);
    co_return !ec;
}
asio::awaitable<bool> client::send(std::string_view text) {
    co_return co_await send(octets(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void client::odd(std::string_view why, tally& counted) {
    counted.add();
    proxy_->odd_clients({{"client", address_}, {"why", why}});
}

void client::write_line() const {
    const auto& r = record_;
    if (r.protocol == "none") return;  // an odd one, if anything
    if (!proxy_->log.is_written(berth::service::severity::info)) return;
    proxy_->log.info("connection", {{"protocol", r.protocol},
                                    {"user", r.user},
                                    {"client", address_},
                                    {"destination", r.destination},
                                    {"remote", r.remote},
                                    {"source", r.source},
                                    {"by", r.by},
                                    {"bytes_up", r.bytes_up},
                                    {"bytes_down", r.bytes_down},
                                    {"connect", r.connect},
                                    {"duration", clock::now() - accepted_},
                                    {"end", r.ending}});
}

}  // namespace outbound_proxy
