// See sources.hpp.
#include "sources.hpp"

#include "incoming.hpp"

#include <berth/outbound.hpp>
#include <berth/service/reserve_patiently.hpp>

#include <algorithm>
#include <functional>

namespace outbound_proxy {
namespace {

using asio::ip::tcp;

bool suits(const source& s, bool is_v4, const asker& who) noexcept {
    if (s.is_v4 != is_v4) return false;
    if (who.user == nullptr || who.user->sources.empty()) return true;
    return std::find(who.user->sources.begin(), who.user->sources.end(), s.name) != who.user->sources.end();
}

berth::reservation_request request_for(const source_setting& wanted, berth::transport protocol,
                                       const std::string& device) {
    berth::reservation_request request;
    request.block = wanted.ports;
    request.protocol = protocol;
    request.family = wanted.address.is_v4() ? berth::address_family::ipv4 : berth::address_family::ipv6;
    request.address = wanted.address;
    request.use = berth::tcp_use::connect;
    if (protocol == berth::transport::tcp) {
        request.device = device;
        request.sessions_per_port = static_cast<std::uint16_t>(wanted.per_port);
    }
    return request;
}

}  // namespace

source_list::source_list(const std::vector<source_setting>& wanted, berth::transport protocol, const settings& all,
                         berth::service::logger& log)
    : chosen_(all.chosen) {
    for (const source_setting& one : wanted) {
        source& s = sources_.emplace_back();
        s.name = one.name.empty() ? one.address.to_string() : one.name;
        s.is_v4 = one.address.is_v4();
        s.address = one.address;
        s.ports = berth::service::reserve_patiently(request_for(one, protocol, all.device), log);
    }
}

bool source_list::has(std::string_view name) const noexcept {
    return std::any_of(sources_.begin(), sources_.end(), [name](const source& s) { return s.name == name; });
}

bool source_list::has_one_for(const asker& who) const noexcept {
    return std::any_of(sources_.begin(), sources_.end(), [&](const source& s) { return suits(s, s.is_v4, who); });
}

std::size_t source_list::first_for(const asker& who) noexcept {
    if (chosen_ == choice::sticky) return std::hash<std::string_view>()(who.key);
    return turn_.fetch_add(1, std::memory_order_relaxed);
}

template <class Function>
bool source_list::each_that_suits(bool is_v4, const asker& who, Function fn) {
    std::size_t count = 0;
    for (const source& s : sources_) count += suits(s, is_v4, who) ? 1 : 0;
    if (count == 0) return false;
    // Two rounds over the list find them in their order from the n-th on, without a list of their own.
    std::size_t before = first_for(who) % count, left = count;
    for (std::size_t i = 0; left != 0; i = (i + 1) % sources_.size()) {
        if (!suits(sources_[i], is_v4, who)) continue;
        if (before != 0) {
            --before;
            continue;
        }
        if (fn(sources_[i])) break;
        --left;
    }
    return true;
}

asio::awaitable<source_list::connected> source_list::connect(executor_type on, tcp::endpoint to, asker who,
                                                             clock::time_point deadline) {
    connected out{berth::bound<berth::tcp_socket>(on), {}, problem::none, "kernel"};
    auto limited = berth::cancel_at(deadline, awaited);
    if (is_kernels()) {
        std::tie(out.ec) = co_await (*out.socket).async_connect(to, limited);
        out.what = problem_of(out.ec);
        co_return out;
    }
    std::vector<source*> tried;
    if (!each_that_suits(to.address().is_v4(), who, [&](source& s) {
            tried.push_back(&s);
            return false;
        })) {
        out.what = problem::no_family;
        co_return out;
    }
    for (source* const s : tried) {
        out.by = s->name;
        std::tie(out.ec, out.socket) = co_await s->ports.async_connect<berth::tcp_socket>(on, to, limited);
        out.what = problem_of(out.ec);
        if (out.what != problem::exhausted) co_return out;
    }
    co_return out;
}

berth::bound<berth::udp_socket> source_list::take(executor_type on, bool is_v4, asker who, problem& what) {
    berth::bound<berth::udp_socket> port(on);
    what = problem::no_family;
    each_that_suits(is_v4, who, [&](source& s) {
        berth::error_code ec;
        port = s.ports.take<berth::udp_socket>(on, ec);
        what = problem_of(ec);
        return !ec;
    });
    return port;
}

}  // namespace outbound_proxy
