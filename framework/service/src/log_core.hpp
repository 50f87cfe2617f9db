// The log behind its handles: spdlog's queue and thread, a sink that counts, and the events with a limit.
#pragma once

#include <berth/service/logger.hpp>

#include <spdlog/async_logger.h>
#include <spdlog/details/periodic_worker.h>
#include <spdlog/details/thread_pool.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace berth::service {

class logger::core {
public:
    explicit core(const logger_options& options);
    ~core();

    [[nodiscard]] bool is_written(severity level) const noexcept { return level >= options_.level; }
    void write(severity level, std::string_view event, fields what) noexcept;
    void flush() noexcept;
    /// From now on asked each second to say what it swallowed.
    void add(std::weak_ptr<limited_event::state> limited);

private:
    class sink;

    void ask_limited() noexcept;

    const logger_options options_;
    std::atomic<std::uint64_t> queued_{0};
    std::shared_ptr<spdlog::details::thread_pool> pool_;
    std::shared_ptr<sink> sink_;
    std::shared_ptr<spdlog::async_logger> log_;
    std::mutex gate_;  // of what follows
    std::vector<std::weak_ptr<limited_event::state>> limited_;
    std::unique_ptr<spdlog::details::periodic_worker> each_second_;
};

class limited_event::state {
public:
    state(severity how, std::string name, std::uint32_t at_most, std::chrono::steady_clock::duration in)
        : level(how), event(std::move(name)), most(at_most), within(in) {}

    /// True: this one is written. Counts it if not.
    bool admit() noexcept;
    /// What was swallowed and not said, once its time is over (or `at_once`, whatever the time). 0: nothing to say.
    std::uint64_t to_say(bool at_once) noexcept;

    const severity level;
    const std::string event;
    const std::uint32_t most;
    const std::chrono::steady_clock::duration within;
    std::atomic<std::uint64_t> swallowed{0};

private:
    [[nodiscard]] std::uint64_t window() const noexcept {
        return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() / within);
    }

    std::atomic<std::uint64_t> place_{0};  // the window's number and, in the low 32 bits, the lines written in it
    std::atomic<std::uint64_t> said_{0};   // of swallowed
};

}  // namespace berth::service
