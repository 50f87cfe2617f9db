// A reading: figures with names are checked and sorted into families. What is wrong is said by whoever added it.
#include "scrape_families.hpp"

#include <algorithm>
#include <stdexcept>

namespace berth::service {
namespace {

using prometheus::MetricType;

bool is_name(const std::string& text, bool is_label) noexcept {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9') || (is_label && text.starts_with("__"))) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c == ':' && !is_label);
        return letter || (c >= '0' && c <= '9');
    });
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
    throw std::invalid_argument("berth: the metric '" + name + "' " + why);
}

}  // namespace

scrape::scrape() : families_(std::make_unique<families>()) {}
scrape::~scrape() = default;

prometheus::ClientMetric& scrape::families::add(MetricType kind, const std::string& name, const std::string& help,
                                                const metric_labels& labels) {
    if (!is_name(name, false)) refuse(name, "is no name: [a-zA-Z_:][a-zA-Z0-9_:]* is");
    const bool is_total = name.ends_with("_total");
    if (kind == MetricType::Counter && !is_total) refuse(name, "is a counter: call it '" + name + "_total'");
    if (kind != MetricType::Counter && is_total) refuse(name, "is no counter: '_total' is a counter's ending");
    prometheus::ClientMetric figure;
    for (const auto& [key, value] : labels) {
        if (!is_name(key, true)) refuse(name, "has a label '" + key + "': [a-zA-Z_][a-zA-Z0-9_]* is one");
        figure.label.push_back({key, value});
    }
    std::sort(figure.label.begin(), figure.label.end());
    auto& family = by_name[name];
    if (family.metric.empty()) {
        family = {name, help, kind, {}};
    } else if (family.type != kind) {
        refuse(name, "is of another kind already");
    }
    for (const auto& other : family.metric) {
        if (other.label == figure.label) refuse(name, "is there already, with the same labels");
    }
    return family.metric.emplace_back(std::move(figure));
}

void scrape::counter(const std::string& name, const std::string& help, const metric_labels& labels, double value) {
    families_->add(MetricType::Counter, name, help, labels).counter.value = value;
}
void scrape::gauge(const std::string& name, const std::string& help, const metric_labels& labels, double value) {
    families_->add(MetricType::Gauge, name, help, labels).gauge.value = value;
}
void scrape::histogram(const std::string& name, const std::string& help, const metric_labels& labels,
                       const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts, double sum) {
    if (counts.size() != bounds.size() + 1) refuse(name, "needs one count more than it has bounds");
    auto& out = families_->add(MetricType::Histogram, name, help, labels).histogram;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        out.sample_count += counts[i];
        out.bucket.push_back({out.sample_count, bounds[i]});
    }
    out.sample_count += counts.back();
    out.sample_sum = sum;
}

}  // namespace berth::service
