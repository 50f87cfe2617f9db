// See proxy.hpp.
#include "proxy.hpp"

#include <berth/udp_socket.hpp>

#include <stdexcept>

namespace outbound_proxy {
namespace {

void limit(std::optional<berth::quotas>& what, std::uint32_t each) {
    if (each != 0) what.emplace(berth::quota_options{.each = each});
}

}  // namespace

proxy::proxy(settings from, berth::shards& on, berth::service::logger& to)
    : config(std::move(from)),
      log(to),
      users(config.users),
      rules(config),
      sources(config.sources, berth::transport::tcp, config, to),
      udp_relays(config.udp_relay, berth::transport::udp, config, to),
      udp_sources(config.udp_sources, berth::transport::udp, config, to),
      odd_clients(to, berth::service::severity::warning, "odd_client") {
    limit(user_ports, config.ports_per_user);
    limit(address_ports, config.ports_per_address);
    if (config.proxy_header != header_policy::off) limit(address_clients, config.max_per_address);
    for (std::size_t i = 0; i < on.size(); ++i) watches_.push_back(std::make_unique<watch>(on[i]));
    for (const user_setting& user : config.users) {
        for (const std::string& name : user.sources) {
            if (sources.has(name) || (udp_sources.is_kernels() ? udp_relays : udp_sources).has(name)) continue;
            throw std::invalid_argument("user '" + user.name + "' is to use source '" + name +
                                        "', and no --source has that name");
        }
    }
}

held_ports proxy::count_ports(const user_setting* user, const asio::ip::address& from, std::uint32_t count,
                              berth::error_code& ec) {
    held_ports out;
    ec = {};
    if (user_ports && user != nullptr) out.as_user = user_ports->take(user->name, count, ec);
    if (!ec && address_ports) out.as_address = address_ports->take(limit_key(from), count, ec);
    if (ec) out.give_back();
    return out;
}

bool is_own_address(const berth::io_context::executor_type& on, const asio::ip::address& address) {
    berth::error_code ec;
    berth::udp_socket question(on);
    const asio::ip::udp::endpoint there(address, 9);
    question.connect(there, ec);
    return !ec && question.local_endpoint(ec).address() == address && !ec;
}

std::string limit_key(const asio::ip::address& address) {
    const asio::ip::address a = plain(address);
    if (a.is_v4()) return a.to_string();
    auto bytes = a.to_v6().to_bytes();
    for (std::size_t i = 8; i < bytes.size(); ++i) bytes[i] = 0;
    return asio::ip::address_v6(bytes).to_string();
}

}  // namespace outbound_proxy
