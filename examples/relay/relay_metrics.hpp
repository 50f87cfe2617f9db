// The relay's books for Prometheus, read when it asks.
#pragma once

#include "relay_server.hpp"

#include <berth/service/metric_registry.hpp>

#include <vector>

namespace relay {

/// As long as what it returns lives, and no longer than the server.
[[nodiscard]] std::vector<berth::service::publication> publish(berth::service::metric_registry& in,
                                                               const relay_server& server);

}  // namespace relay
