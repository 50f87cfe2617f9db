// The proxy's books as Prometheus reads them.
#pragma once

#include "proxy.hpp"

#include <berth/server.hpp>
#include <berth/service/metric_registry.hpp>

#include <vector>

namespace outbound_proxy {

/// While these live. `of` and `by` outlive them.
std::vector<berth::service::publication> publish_all(berth::service::metric_registry& in, proxy& of,
                                                     const berth::server& by);

}  // namespace outbound_proxy
