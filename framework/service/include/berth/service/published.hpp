// berth's own books as metrics: reservations, pools, servers, quotas, and which backend the shards have.
//
// Each is read when Prometheus asks, which its statistics() allow from any thread. What is published outlives its
// publication, and stays where it is. `name` is the label that tells several apart.
#pragma once

#include <berth/detail/socket_pool.hpp>
#include <berth/port_reservation.hpp>
#include <berth/quotas.hpp>
#include <berth/server.hpp>
#include <berth/service/metric_registry.hpp>
#include <berth/shards.hpp>

#include <string>
#include <utility>

namespace berth::service {

/// berth_ports{block,state} and what became of the block's ports, under berth_…
void write(scrape& to, const std::string& name, const reservation_statistics& books);
/// berth_ports{block,state}, berth_takes_total{block}, berth_take_seconds{block}, berth_pool_…{block}
void write(scrape& to, const std::string& name, const pool_statistics& books);
/// berth_connections{server}, berth_connections_…_total{server}, berth_received_bytes_total{server}, …
void write(scrape& to, const std::string& name, const server_statistics& books);
/// berth_quota_…{quota}
void write(scrape& to, const std::string& name, const quota_statistics& books);

[[nodiscard]] inline publication publish(metric_registry& in, const port_reservation& of, std::string name) {
    return in.publish([&of, name = std::move(name)](scrape& to) { write(to, name, of.statistics()); });
}
template <class Socket>
[[nodiscard]] publication publish(metric_registry& in, const berth::detail::socket_pool<Socket>& of,
                                  std::string name) {
    return in.publish([&of, name = std::move(name)](scrape& to) { write(to, name, of.statistics()); });
}
[[nodiscard]] inline publication publish(metric_registry& in, const server& of, std::string name) {
    return in.publish([&of, name = std::move(name)](scrape& to) { write(to, name, of.statistics()); });
}
[[nodiscard]] inline publication publish(metric_registry& in, const quotas& of, std::string name) {
    return in.publish([&of, name = std::move(name)](scrape& to) { write(to, name, of.statistics()); });
}
/// berth_backend_info{backend,reason} and berth_shards{backend,reason}. They stay what they are now.
[[nodiscard]] publication publish(metric_registry& in, shards& of);

}  // namespace berth::service
