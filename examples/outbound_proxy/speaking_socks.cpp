// A client that speaks SOCKS5: RFC 1928, RFC 1929. See client.hpp.
#include "client.hpp"

namespace outbound_proxy {

asio::awaitable<void> client::speak_socks() {
    record_.protocol = "socks5";
    if (!co_await greet()) co_return;
    socks_request request;
    berth::error_code ec;
    const parsed p = co_await incoming_.next(request, deadline_, ec);
    if (p.state == outcome::wrong) {
        odd(p.why, proxy_->counts.malformed);
        give_up("malformed");
        co_return co_await send_reply(static_cast<socks_reply>(p.status));
    }
    if (ec) {
        if (ec == asio::error::timed_out) proxy_->counts.late.add();
        co_return give_up(ec == asio::error::timed_out ? "late" : "left");
    }
    if (request.command == socks_command::bind) {
        give_up("bind_not_supported");
        co_return co_await send_reply(socks_reply::command_not_supported);
    }
    if (request.command == socks_command::udp_associate) co_return co_await relay_datagrams(request.to);

    auto& counts = proxy_->counts;
    counts.socks_requests.add();
    const problem what = co_await connect_to(request.to, proxy_->config.socks_ports);
    counts.outcomes[static_cast<std::size_t>(what)].add();
    if (what != problem::none) {
        if (record_.ending == "closed") give_up(row_of(what).word);
        co_return co_await send_reply(row_of(what).socks);
    }
    co_await send_reply(socks_reply::succeeded, record_.source);
    co_await carry();
}

asio::awaitable<bool> client::greet() {
    socks_greeting greeting;
    berth::error_code ec;
    const parsed p = co_await incoming_.next(greeting, deadline_, ec);
    if (p.state != outcome::whole) {
        if (p.state == outcome::wrong) odd(p.why, proxy_->counts.malformed);
        if (ec == asio::error::timed_out) proxy_->counts.late.add();
        give_up(p.state == outcome::wrong ? "malformed" : ec == asio::error::timed_out ? "late" : "left");
        co_return false;
    }
    const bool is_closed = proxy_->users.is_closed();
    if (!(is_closed ? greeting.offers_password : greeting.offers_none)) {
        give_up("no_acceptable_method");
        co_await send(method_message(socks_method::not_acceptable).bytes());
        co_return false;
    }
    const auto method = method_message(is_closed ? socks_method::password : socks_method::none);
    if (!co_await send(method.bytes())) co_return false;
    if (!is_closed) co_return true;

    socks_credentials said;
    const parsed c = co_await incoming_.next(said, deadline_, ec);
    if (c.state == outcome::whole) user_ = proxy_->users.find(said.name, said.password);
    const auto verdict = verdict_message(user_ != nullptr);
    if (c.state != outcome::more) co_await send(verdict.bytes());
    if (user_ != nullptr) {
        record_.user = user_->name;
        co_return true;
    }
    if (c.state != outcome::more) {
        record_.user = said.name;
        odd("an unknown user, or another password", proxy_->counts.unwelcome);
    }
    give_up(c.state != outcome::more ? "unwelcome" : ec == asio::error::timed_out ? "late" : "left");
    co_return false;
}

asio::awaitable<void> client::send_reply(socks_reply reply, const tcp_endpoint& bound) {
    const auto message = reply_message(reply, bound.address(), bound.port());
    co_await send(message.bytes());
}

}  // namespace outbound_proxy
