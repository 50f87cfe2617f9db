// A client that speaks HTTP: CONNECT, RFC 9110 (9.3.6). See client.hpp.
#include "client.hpp"

namespace outbound_proxy {
namespace {

constexpr int most_requests = 4;  // of a client that is asked for credentials, or refused, and tries again

}  // namespace

asio::awaitable<void> client::speak_http() {
    record_.protocol = "http";
    for (int i = 0; i < most_requests; ++i) {
        http_connect request;
        berth::error_code ec;
        const parsed p = co_await incoming_.next(request, deadline_, ec);
        if (p.state == outcome::wrong) {
            odd(p.why, proxy_->counts.malformed);
            give_up("malformed");
            co_await send(std::string_view(refusal(p.status, p.why, false)));
            co_return;
        }
        if (ec == asio::error::timed_out) {
            proxy_->counts.late.add();
            give_up("late");
            co_await send(std::string_view(refusal(408, "no whole request came in time", false)));
            co_return;
        }
        if (ec) {
            if (i != 0) record_.protocol = "none";  // its line is written
            co_return give_up("left");
        }
        if (co_await answer_http(request)) co_return;
        write_line();
        record_ = {};  // each request has a line of its own
        record_.protocol = i + 1 < most_requests ? "http" : "none";
        deadline_ = clock::now() + proxy_->config.handshake;
    }
}

asio::awaitable<bool> client::answer_http(const http_connect& request) {
    auto& counts = proxy_->counts;
    counts.http_requests.add();
    if (request.has_credentials) user_ = proxy_->users.find(request.name, request.password);
    if (proxy_->users.is_closed() && user_ == nullptr) {
        if (request.has_credentials) {
            record_.user = request.name;
            odd("an unknown user, or another password", counts.unwelcome);
        }
        give_up("unwelcome");
        const auto answer = refusal(407, "this proxy wants a name and a password", request.keeps_alive);
        co_return !co_await send(std::string_view(answer)) || !request.keeps_alive;
    }
    if (user_ != nullptr) record_.user = user_->name;

    const problem what = co_await connect_to(request.to, proxy_->config.http_ports);
    counts.outcomes[static_cast<std::size_t>(what)].add();
    if (what != problem::none) {
        const problem_row& row = row_of(what);
        if (record_.ending == "closed" || record_.ending == "unwelcome") give_up(row.word);
        const auto answer = refusal(row.http, row.says, request.keeps_alive);
        counted_.give_back();
        co_return !co_await send(std::string_view(answer)) || !request.keeps_alive;
    }
    co_await send(established());
    co_await carry();
    co_return true;
}

}  // namespace outbound_proxy
