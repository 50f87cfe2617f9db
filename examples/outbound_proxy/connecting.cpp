// A client's way to its destination: the name, the rules, the quota, the sources. See client.hpp.
#include "client.hpp"

#include <berth/resolver.hpp>

#include <algorithm>

namespace outbound_proxy {
namespace {

constexpr std::size_t most_attempts = 8;  // a name may have hundreds of addresses

std::string text_of(const destination& to) {
    const std::string port = ":" + std::to_string(to.port);
    if (!to.name.empty()) return to.name + port;
    return to.address.is_v6() ? "[" + to.address.to_string() + "]" + port : to.address.to_string() + port;
}

}  // namespace

asio::awaitable<problem> client::find(const destination& to, clock::time_point deadline,
                                      std::vector<tcp_endpoint>& out) {
    if (to.name.empty()) {
        out.emplace_back(plain(to.address), to.port);
        co_return problem::none;
    }
    berth::tcp_resolver resolver(connection_.get_executor());
    const auto [ec, found] = co_await resolver.async_resolve(
        to.name, std::to_string(to.port), berth::tcp_resolver::numeric_service, berth::cancel_at(deadline, awaited));
    for (const auto& entry : found) {
        const tcp_endpoint one(plain(entry.endpoint().address()), to.port);
        if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
    }
    co_return problem_of(ec);
}

asio::awaitable<problem> client::connect_to(const destination& to, const std::vector<port_span>& ports) {
    const auto begun = clock::now();
    const auto deadline = begun + proxy_->config.connect;
    record_.destination = text_of(to);
    if (!contains(ports, to.port)) {
        give_up("port_not_allowed");
        co_return problem::not_allowed;
    }
    problem what = count_ports(1);
    std::vector<tcp_endpoint> all;
    if (what == problem::none) what = co_await find(to, deadline, all);
    if (what != problem::none) co_return what;

    what = problem::unresolved;
    const std::size_t attempts = std::min(all.size(), most_attempts);
    const asker who{user_ != nullptr ? std::string_view(user_->name) : std::string_view(record_.user), user_};
    for (std::size_t i = 0; i < attempts; ++i) {
        const auto on = connection_.get_executor();
        const asio::ip::address there = all[i].address();
        const auto why = proxy_->rules.refusal_of(there, [&] { return is_own_address(on, there); });
        if (!why.empty()) {
            what = problem::not_allowed;
            give_up(why);
            continue;
        }
        // Each has its part of the time, so that the last is tried as well.
        const auto part = (deadline - clock::now()) / static_cast<int>(attempts - i);
        auto tried = co_await proxy_->sources.connect(on, all[i], who, clock::now() + part);
        what = tried.what;
        record_.remote = all[i];
        record_.by = tried.by;
        if (what == problem::none) {
            upstream_ = std::move(tried.socket);
            berth::error_code unnamed;
            record_.source = (*upstream_).local_endpoint(unnamed);
            record_.connect = clock::now() - begun;
            const auto time = std::chrono::duration_cast<std::chrono::microseconds>(record_.connect);
            proxy_->counts.connect_seconds_sum_us.add(static_cast<std::uint64_t>(time.count()));
            co_return what;
        }
        give_up(tried.ec ? tried.ec.message() : std::string(row_of(what).word));
        if (clock::now() >= deadline) break;
    }
    co_return what;
}

}  // namespace outbound_proxy
