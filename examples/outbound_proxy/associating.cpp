// A client's UDP ASSOCIATE: the association lives as long as the connection that asked for it. See client.hpp.
#include "association.hpp"
#include "client.hpp"

namespace outbound_proxy {
namespace {

/// Also where the frame that has it is only destroyed.
struct stops_at_end {
    association& what;
    ~stops_at_end() { what.stop(); }
};

}  // namespace

asio::awaitable<void> client::relay_datagrams(const destination& expected) {
    record_.protocol = "udp";
    if (proxy_->udp_relays.is_kernels()) {
        give_up("no_udp_relay");
        co_return co_await send_reply(socks_reply::command_not_supported);
    }
    const asio::ip::udp::endpoint from(address_.address(), expected.port);
    const std::string key = user_ != nullptr ? user_->name : limit_key(address_.address());
    const auto pair = std::make_shared<association>(proxy_, connection_.get_executor(), from, asker{key, user_});
    const stops_at_end end{*pair};
    asio::ip::udp::endpoint bound;
    problem what = count_ports(association::ports_at_first);
    if (what == problem::none) what = pair->open(bound);
    if (what != problem::none) {
        give_up(row_of(what).word);
        proxy_->counts.outcomes[static_cast<std::size_t>(what)].add();
        co_return co_await send_reply(row_of(what).socks);
    }
    berth::error_code ec;
    record_.source = {bound.address(), bound.port()};
    if (bound.address().is_unspecified()) record_.source.address(plain(connection_.local_endpoint(ec).address()));
    pair->start(proxy_->watch_of(connection_.shard()), [this](std::string_view why) {
        give_up(why);
        connection_.reset();
    });
    proxy_->counts.associations_open.add();
    co_await send_reply(socks_reply::succeeded, record_.source);
    for (char nothing[64]; !ec;) {  // the client has no more to say here but its end
        std::tie(ec, std::ignore) = co_await connection_.async_read_some(asio::buffer(nothing), awaited);
    }
    proxy_->counts.associations_open.sub();
    record_.bytes_up = pair->bytes_up();
    record_.bytes_down = pair->bytes_down();
    pair->stop();
    counted_.give_back();
}

}  // namespace outbound_proxy
