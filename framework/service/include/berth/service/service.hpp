// All of a service's parts, made in their order out of what the command line says.
//
//   int main(int argc, char** argv) {
//       berth::service::program program("relay", "A TURN server", "1.0");
//       if (const auto code = program.parse(argc, argv)) return *code;
//       return berth::service::run(program, [&](berth::service::service& s) { ... return what lives until the end;
//       });
//   }
//
// Invariant: what the program's function returns ends before the shards, the log last.
#pragma once

#include <berth/service/graceful_drain.hpp>
#include <berth/service/logger.hpp>
#include <berth/service/metric_registry.hpp>
#include <berth/service/program.hpp>
#include <berth/service/published.hpp>
#include <berth/shards.hpp>

#include <cstdio>
#include <exception>

namespace berth::service {

class service {
public:
    /// Makes log, shards and drain, and listens for Prometheus if the settings say so. Throws std::system_error.
    explicit service(const settings& values)
        : log_({.level = values.level, .format = values.format}),
          shards_({.count = values.shards}),
          drain_(shards_, log_, values.drain_time),
          draining_(metrics_.publish([this](scrape& to) {
              to.gauge("berth_draining", "1: the program ends, and takes no new work", {},
                       drain_.is_draining() ? 1 : 0);
          })),
          backends_(publish(metrics_, shards_)) {
        log_.take_berths_messages();
        log_.info("backend", {{"backend", shards_[0].backend()}, {"shards", shards_.size()}});
        if (values.metrics) log_.info("metrics_listening", {{"at", metrics_.listen(*values.metrics)}});
    }

    [[nodiscard]] logger& log() noexcept { return log_; }
    [[nodiscard]] metric_registry& metrics() noexcept { return metrics_; }
    [[nodiscard]] berth::shards& shards() noexcept { return shards_; }
    [[nodiscard]] graceful_drain& drain() noexcept { return drain_; }

private:
    logger log_;
    berth::shards shards_;
    metric_registry metrics_;
    graceful_drain drain_;
    publication draining_, backends_;
};

/// Makes the service, calls `start` with it, runs until the drain is over and ends what `start` returned. Returns an
/// exit_code; an exception is one line of the log, or of the standard error before there is a log.
template <class Start>
[[nodiscard]] int run(const program& program, Start start) {
    try {
        service it(program.values());
        try {
            [[maybe_unused]] const auto alive = start(it);
            return it.drain().run();
        } catch (const std::exception& e) {
            it.log().error("failed", {{"what", e.what()}});
            return exit_code::failed;
        }
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s: %s\n", program.name().c_str(), e.what());
        return exit_code::failed;
    }
}

}  // namespace berth::service
