// A daemon that runs: the parts that berthd makes, in its order.
#pragma once

#include "simulation/daemon_keeper.hpp"
#include "simulation/daemon_ports.hpp"
#include "simulation/daemon_world.hpp"

#include "block_store.hpp"
#include "daemon_loop.hpp"

namespace berth::simulation {

struct daemon_world::running_daemon {
    static constexpr std::uint32_t most_consumers = 4, of_one_user = 3, most_ports = 8;
    static constexpr daemon::consumer_limits limits{.consumers = most_consumers,
                                                    .of_one_user = of_one_user,
                                                    .ports = most_ports,
                                                    .recall = std::chrono::milliseconds{100},
                                                    .pieces = 3};

    running_daemon(daemon_world& w, std::unique_ptr<daemon::block_store> opened)
        : store(std::move(opened)),
          keeper(w.machine_, w.keeping_),
          service(w.ports_, *store, keeper, w.list_, limits, std::chrono::milliseconds{50}),
          server("/run/berthd.sock", 777, {.clients = 4, .strangers = 1}),
          loop(service, keeper, server) {}

    [[nodiscard]] std::uint32_t ports_out(reservation_token token) const {
        const auto* const row = service.row_of(token);
        return row == nullptr ? 0 : service.desk().ports_out(row->id);
    }

    std::unique_ptr<daemon::block_store> store;
    keeper_seen keeper;
    daemon::block_service service;
    daemon::message_server server;
    daemon::daemon_loop loop;
};

}  // namespace berth::simulation
