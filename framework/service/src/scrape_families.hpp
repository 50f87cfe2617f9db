// One reading's figures, by name, in prometheus-cpp's words.
#pragma once

#include <berth/service/metric_registry.hpp>

#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <vector>

namespace berth::service {

struct scrape::families {
    std::map<std::string, prometheus::MetricFamily> by_name;

    /// The new figure of that name and labels. Throws as scrape says.
    prometheus::ClientMetric& add(prometheus::MetricType kind, const std::string& name, const std::string& help,
                                  const metric_labels& labels);
};

}  // namespace berth::service
