// A program's end: told by SIGTERM or SIGINT, it takes no new work, and ends when what is open has ended.
//
//   drain.on_begin([&](auto time, auto done) {
//       server.async_stop(time, [done](berth::error_code) { done(); });
//   });
//   return drain.run();
//
// Invariant: run() returns once, when each part is done, or the time is over, or somebody insists by a second signal;
// what it returns says which. Nothing of a drain waits for anything but the parts and the clock.
#pragma once

#include <berth/service/logger.hpp>
#include <berth/shards.hpp>
#include <berth/signal_set.hpp>
#include <berth/steady_timer.hpp>

#include <asio/bind_executor.hpp>
#include <asio/post.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace berth::service {

/// What a program ends with.
struct exit_code {
    static constexpr int clean = 0;       ///< all that was open has ended
    static constexpr int failed = 1;      ///< an exception; the log has it
    static constexpr int bad_option = 2;  ///< program::parse()
    static constexpr int cut = 3;         ///< the time was over, and something was still open
    static constexpr int insisted = 4;    ///< a second signal came while something was still open
};

/// Not thread-safe but for what says so. The shards and the log outlive it.
class graceful_drain {
public:
    using duration = std::chrono::steady_clock::duration;

    /// Says that a part has ended. Any thread; the second time it has no effect. Copies speak for the same part. Pre:
    /// the drain lives.
    class part_done {
    public:
        void operator()() const {
            if (!said_->exchange(true)) asio::post(drain_->on_[0], [drain = drain_] { drain->part_ended(); });
        }

    private:
        friend class graceful_drain;
        explicit part_done(graceful_drain* drain)
            : drain_(drain), said_(std::make_shared<std::atomic<bool>>(false)) {}
        graceful_drain* drain_;
        std::shared_ptr<std::atomic<bool>> said_;
    };
    using part = std::function<void(duration time, part_done done)>;

    /// From now on SIGTERM, SIGINT and SIGHUP are this object's. Throws std::system_error.
    graceful_drain(berth::shards& on, logger& log, duration time)
        : on_(on), log_(log), time_(time), signals_(on[0], SIGTERM, SIGINT, SIGHUP), timer_(on[0]) {}
    graceful_drain(const graceful_drain&) = delete;
    graceful_drain& operator=(const graceful_drain&) = delete;

    /// A part of the program that has to end: called on shard 0 when the drain begins, with the time that is left;
    /// it takes no new work from then on, and says `done` when what is open has ended. Before run().
    void on_begin(part begin) { parts_.push_back(std::move(begin)); }
    /// What SIGHUP does, e.g. read the options again; on shard 0. Without it SIGHUP is ignored, and logged. Before
    /// run().
    void on_hangup(std::function<void()> reread) { reread_ = std::move(reread); }

    /// Any thread: as a first SIGTERM.
    void begin() {
        asio::post(on_[0], [this] {
            if (!is_draining()) start("asked");
        });
    }
    /// Any thread.
    [[nodiscard]] bool is_draining() const noexcept { return draining_.load(std::memory_order_acquire); }

    /// Runs the shards, shard 0 on this thread, until the drain is over. Returns an exit_code.
    [[nodiscard]] int run() {
        wait_for_signal();
        try {
            on_.run();
        } catch (const std::exception& e) {
            log_.error("failed", {{"what", e.what()}});
            return exit_code::failed;
        }
        return outcome_;
    }

private:
    void wait_for_signal() {
        signals_.async_wait([this](error_code ec, int number) {
            if (ec) return;
            wait_for_signal();
            if (number != SIGTERM && number != SIGINT) {
                log_.info("hangup", {{"does", reread_ ? "reread" : "nothing"}});
                if (reread_) reread_();
            } else if (!is_draining()) {
                start(number == SIGTERM ? "SIGTERM" : "SIGINT");
            } else {
                end(exit_code::insisted, "insisted");
            }
        });
    }

    void start(const char* why) {
        draining_.store(true, std::memory_order_release);
        begun_ = std::chrono::steady_clock::now();
        log_.info("drain_begins", {{"why", why}, {"time", time_}});
        open_parts_ = parts_.size() + 1;  // and this function, so that no part that is done at once ends it
        timer_.expires_after(time_);
        timer_.async_wait([this](error_code ec) {
            if (!ec) end(exit_code::cut, "cut");
        });
        for (const part& begin : parts_) begin(time_, part_done(this));
        part_ended();
    }

    void part_ended() {
        if (--open_parts_ == 0) end(exit_code::clean, "clean");
    }

    void end(int outcome, const char* how) {
        if (std::exchange(has_ended_, true)) return;
        outcome_ = outcome;
        log_.info("drain_ended", {{"how", how}, {"after", std::chrono::steady_clock::now() - begun_}});
        timer_.cancel();
        on_.stop();
    }

    berth::shards& on_;
    logger& log_;
    const duration time_;
    signal_set signals_;
    steady_timer timer_;
    std::vector<part> parts_;
    std::function<void()> reread_;
    std::atomic<bool> draining_{false};
    bool has_ended_ = false;
    std::size_t open_parts_ = 0;
    std::chrono::steady_clock::time_point begun_;
    int outcome_ = exit_code::clean;
};

}  // namespace berth::service
