// What is read, by whom it was published, and the endpoint that reads it for Prometheus.
//
// One lock: of the list and of a reading. So a publication that has ended is not being read.
#include "scrape_families.hpp"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace berth::service {

struct publication::entry {
    std::function<void(scrape&)> read;
    std::weak_ptr<prometheus::Collectable> book;
    void (*remove)(prometheus::Collectable&, const entry*) noexcept = nullptr;
};

class metric_registry::book final : public prometheus::Collectable {
public:
    std::vector<prometheus::MetricFamily> Collect() const override {
        const std::lock_guard lock(gate_);
        scrape all;
        for (const auto& one : entries_) {
            try {
                one->read(all);
            } catch (const std::exception&) {  // labels that changed, say: the others are read all the same
                ++failures_;
            }
        }
        all.counter("berth_metric_failures_total", "Parts of readings that threw", {},
                    static_cast<double>(failures_));
        std::vector<prometheus::MetricFamily> out;
        for (auto& [name, family] : all.families_->by_name) out.push_back(std::move(family));
        return out;
    }
    void add(const std::shared_ptr<publication::entry>& entry);
    void remove(const publication::entry* entry) noexcept {
        const std::lock_guard lock(gate_);
        std::erase_if(entries_, [&](const auto& one) { return one.get() == entry; });
    }

private:
    mutable std::mutex gate_;
    mutable std::uint64_t failures_ = 0;
    std::vector<std::shared_ptr<publication::entry>> entries_;
};

void metric_registry::book::add(const std::shared_ptr<publication::entry>& entry) {
    const std::lock_guard lock(gate_);
    scrape all;
    for (const auto& one : entries_) one->read(all);
    entry->read(all);  // a name that is there already throws
    entries_.push_back(entry);
}

void publication::end() noexcept {
    if (const auto mine = std::move(entry_)) {
        if (const auto book = mine->book.lock()) mine->remove(*book, mine.get());
    }
}

struct metric_registry::door {
    explicit door(std::vector<std::string> options) : exposer(std::in_place, std::move(options)) {}
    door(const door&) = delete;
    door& operator=(const door&) = delete;
    // civetweb looks every two seconds whether it shall end, or when a client comes: so one does.
    ~door() {
        std::atomic<bool> has_ended{false};
        std::thread knocks([&] {
            while (!has_ended.load()) {
                asio::io_context none;
                std::error_code ignored;
                asio::ip::tcp::socket(none).connect(at, ignored);
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            }
        });
        exposer.reset();
        has_ended.store(true);
        knocks.join();
    }
    std::optional<prometheus::Exposer> exposer;
    asio::ip::tcp::endpoint at;
};

metric_registry::metric_registry() : book_(std::make_shared<book>()) {}
metric_registry::~metric_registry() { door_.reset(); }

template <class Metric, class... Args>
Metric& metric_registry::add(void (*show)(scrape&, const std::string&, const std::string&, const metric_labels&,
                                          const Metric&),
                             const std::string& name, const std::string& help, const metric_labels& labels,
                             Args&&... args) {
    const auto made = std::make_shared<Metric>(std::forward<Args>(args)...);
    auto entry = std::make_shared<publication::entry>();
    entry->read = [=](scrape& to) { show(to, name, help, labels, *made); };
    book_->add(entry);
    return *made;
}

counter& metric_registry::add_counter(const std::string& name, const std::string& help, const metric_labels& labels) {
    return add<counter>([](scrape& to, const std::string& n, const std::string& h, const metric_labels& l,
                           const counter& metric) { to.counter(n, h, l, static_cast<double>(metric.value())); },
                        name, help, labels);
}
gauge& metric_registry::add_gauge(const std::string& name, const std::string& help, const metric_labels& labels) {
    return add<gauge>([](scrape& to, const std::string& n, const std::string& h, const metric_labels& l,
                         const gauge& metric) { to.gauge(n, h, l, static_cast<double>(metric.value())); },
                      name, help, labels);
}
histogram& metric_registry::add_histogram(const std::string& name, const std::string& help,
                                          std::vector<double> bounds, const metric_labels& labels) {
    return add<histogram>(
        [](scrape& to, const std::string& n, const std::string& h, const metric_labels& l, const histogram& metric) {
            to.histogram(n, h, l, metric.bounds(), metric.counts(), metric.sum());
        },
        name, help, labels, std::move(bounds));
}

publication metric_registry::publish(std::function<void(scrape&)> read) {
    publication made;
    made.entry_ = std::make_shared<publication::entry>();
    made.entry_->read = std::move(read);
    made.entry_->remove = [](prometheus::Collectable& from, const publication::entry* entry) noexcept {
        static_cast<book&>(from).remove(entry);
    };
    book_->add(made.entry_);
    made.entry_->book = book_;
    return made;
}

std::string metric_registry::text() const { return prometheus::TextSerializer().Serialize(book_->Collect()); }

asio::ip::tcp::endpoint metric_registry::listen(const asio::ip::tcp::endpoint& at) {
    if (door_) throw std::logic_error("berth::service::metric_registry listens already");
    const std::string host = at.address().is_v6() ? "[" + at.address().to_string() + "]" : at.address().to_string();
    const std::string where = host + ":" + std::to_string(at.port());
    // Why civetweb cannot bind it does not say, so it is asked first.
    asio::io_context none;
    std::error_code ec;
    asio::ip::tcp::acceptor tried(none);
    tried.open(at.protocol(), ec);
    if (!ec) tried.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) tried.bind(at, ec);
    if (!ec) tried.listen(1, ec);
    std::error_code ignored;
    tried.close(ignored);
    if (ec) ec = {ec.value(), std::system_category()};  // which, unlike Asio's, knows std::errc
    try {
        if (!ec) {
            door_ = std::make_unique<door>(std::vector<std::string>{"listening_ports", where, "num_threads", "2",
                                                                    "request_timeout_ms", "5000", "enable_keep_alive",
                                                                    "no"});
        }
    } catch (const std::exception&) {
        ec = make_error_code(at.address().is_v6() ? std::errc::operation_not_supported : std::errc::address_in_use);
    }
    if (ec) {
        const char* const remedy = ec == std::errc::operation_not_supported
                                       ? " (this prometheus-cpp has no IPv6: give it an IPv4 address)"
                                       : " (give it another address or port, e.g. 127.0.0.1:0)";
        throw std::system_error(ec, "the metrics' endpoint " + where + remedy);
    }
    door_->exposer->RegisterCollectable(book_);
    const auto ports = door_->exposer->GetListeningPorts();
    const auto port = static_cast<std::uint16_t>(ports.empty() ? at.port() : ports.front());
    const bool is_any = at.address().is_unspecified();
    door_->at = {is_any ? asio::ip::address(asio::ip::address_v4::loopback()) : at.address(), port};
    return {at.address(), port};
}

}  // namespace berth::service
