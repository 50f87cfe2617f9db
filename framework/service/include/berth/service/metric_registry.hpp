// A program's metrics, and where Prometheus reads them.
//
//   auto& opened = metrics.add_counter("game_matches_opened_total", "Matches that were opened");
//   const auto shown = publish(metrics, reservation, "matches");          // published.hpp
//   const auto at = metrics.listen({asio::ip::address_v4::loopback(), 0});
//
// Invariant: a metric's name has one kind and one help text, and what was published is read only while its
// publication lives. Reading happens on a thread of the endpoint's, never on a shard.
#pragma once

#include <berth/service/metric.hpp>

#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace berth::service {

using metric_labels = std::vector<std::pair<std::string, std::string>>;

/// One reading of everything: what functions that were published write their figures to.
class scrape {
public:
    scrape(const scrape&) = delete;
    scrape& operator=(const scrape&) = delete;
    ~scrape();

    /// Throw std::invalid_argument for a name or label that Prometheus does not know, for a name of two kinds, and
    /// for the same name and labels twice; the message names it.
    void counter(const std::string& name, const std::string& help, const metric_labels& labels, double value);
    void gauge(const std::string& name, const std::string& help, const metric_labels& labels, double value);
    /// counts: of each bucket by itself, one more than there are bounds.
    void histogram(const std::string& name, const std::string& help, const metric_labels& labels,
                   const std::vector<double>& bounds, const std::vector<std::uint64_t>& counts, double sum);

private:
    friend class metric_registry;
    scrape();
    struct families;
    std::unique_ptr<families> families_;
};

/// As long as it lives, a function is called at each reading. Post of its end: it is not, nor under way. Not to be
/// ended by that function. Move-only; it may outlive the registry.
class publication {
public:
    publication() noexcept = default;
    publication(publication&&) noexcept = default;
    publication& operator=(publication&& other) noexcept {
        if (this != &other) {
            end();
            entry_ = std::move(other.entry_);
        }
        return *this;
    }
    ~publication() { end(); }
    void end() noexcept;

private:
    friend class metric_registry;
    struct entry;
    std::shared_ptr<entry> entry_;
};

/// Any thread.
class metric_registry {
public:
    metric_registry();
    metric_registry(const metric_registry&) = delete;
    metric_registry& operator=(const metric_registry&) = delete;
    /// Closes the endpoint, and waits for a reading that is under way.
    ~metric_registry();

    /// The registry owns the metric; the reference is good as long as it lives. Names as Prometheus has them: a
    /// counter's ends with _total, a time is in seconds. Throw std::invalid_argument as scrape does.
    counter& add_counter(const std::string& name, const std::string& help, const metric_labels& labels = {});
    gauge& add_gauge(const std::string& name, const std::string& help, const metric_labels& labels = {});
    histogram& add_histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                             const metric_labels& labels = {});

    /// Calls `read` at each reading, one at a time, and once now: throws what that throws, and std::invalid_argument
    /// for a name that is there already.
    [[nodiscard]] publication publish(std::function<void(scrape&)> read);

    /// All of it in Prometheus' text format.
    [[nodiscard]] std::string text() const;

    /// From now on answers GET /metrics there (HTTP, two threads, as long as the registry lives; it lives there once
    /// only). Port 0: one that the system picks; returns the endpoint. Throws std::system_error whose text names the
    /// address: address_in_use, permission_denied, address_not_available, operation_not_supported (prometheus-cpp is
    /// often built without IPv6).
    asio::ip::tcp::endpoint listen(const asio::ip::tcp::endpoint& at);

private:
    class book;
    struct door;
    template <class Metric, class... Args>
    Metric& add(void (*show)(scrape&, const std::string&, const std::string&, const metric_labels&, const Metric&),
                const std::string& name, const std::string& help, const metric_labels& labels, Args&&... args);

    std::shared_ptr<book> book_;
    std::unique_ptr<door> door_;
};

}  // namespace berth::service
