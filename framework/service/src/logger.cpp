// Lines are made by whoever writes them and queued; one thread of spdlog's gives them their time and writes them out.
//
// The queue drops its oldest when it is full. Its counter of those is read by the log's thread before each line.
#include <berth/service/logger.hpp>

#include <berth/log.hpp>

#include "log_core.hpp"
#include "log_text.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <thread>

namespace berth::service {
namespace {

constexpr const char* text_pattern = "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v";
constexpr const char* json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

spdlog::level::level_enum level_of(severity level) noexcept {
    switch (level) {
        case severity::debug:
            return spdlog::level::debug;
        case severity::info:
            return spdlog::level::info;
        case severity::warning:
            return spdlog::level::warn;
        case severity::error:
            break;
    }
    return spdlog::level::err;
}

struct berths_log {
    std::mutex gate;
    std::weak_ptr<void> to;
    void (*write)(void* core, log_level level, std::string_view message) noexcept = nullptr;
};
berths_log& where_berth_logs() {
    static auto* const place = new berths_log;  // berth may have something to say after main
    return *place;
}

}  // namespace

class logger::core::sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    sink(const logger_options& options, spdlog::details::thread_pool& pool) : options_(options), pool_(pool) {
        set_pattern_(options.format == log_format::json ? json_pattern : text_pattern);
    }
    [[nodiscard]] std::uint64_t done() const noexcept { return done_.load(std::memory_order_acquire); }

private:
    void sink_it_(const spdlog::details::log_msg& line) override {
        const std::uint64_t lost = pool_.overrun_counter();
        if (const std::uint64_t more = lost - lost_; more != 0) {
            lost_ = lost;
            const std::string words = log_text(options_.format, "log_lines_lost", {{"count", more}});
            spdlog::details::log_msg note("", spdlog::level::warn, words);
            note.time = line.time;
            put(note);
        }
        put(line);
        done_.fetch_add(1, std::memory_order_release);
    }
    void flush_() override {}
    void set_pattern_(const std::string& pattern) override {
        formatter_ = std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc, "\n");
    }
    void put(const spdlog::details::log_msg& line) {
        text_.clear();
        formatter_->format(line, text_);
        if (options_.to != nullptr) {
            options_.to->write(text_.data(), static_cast<std::streamsize>(text_.size())).flush();
        } else {
            std::fwrite(text_.data(), 1, text_.size(), stderr);
        }
    }

    const logger_options options_;
    spdlog::details::thread_pool& pool_;
    spdlog::memory_buf_t text_;
    std::uint64_t lost_ = 0;
    std::atomic<std::uint64_t> done_{0};
};

logger::core::core(const logger_options& options)
    : options_(options),
      pool_(std::make_shared<spdlog::details::thread_pool>(std::max<std::size_t>(1, options.most_waiting), 1U)),
      sink_(std::make_shared<sink>(options, *pool_)),
      log_(std::make_shared<spdlog::async_logger>("", sink_, pool_, spdlog::async_overflow_policy::overrun_oldest)) {
    log_->set_level(spdlog::level::trace);
}

logger::core::~core() {
    each_second_.reset();
    pool_.reset();  // writes what waits, and joins
}

void logger::core::write(severity level, std::string_view event, fields what) noexcept {
    if (!is_written(level)) return;
    try {
        const std::string line = log_text(options_.format, event, what);
        queued_.fetch_add(1, std::memory_order_relaxed);
        log_->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
    } catch (const std::bad_alloc&) {
        std::fputs("no memory for a line of the log\n", stderr);
    }
}

void logger::core::flush() noexcept {
    const std::uint64_t until = queued_.load(std::memory_order_relaxed);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (sink_->done() + pool_->overrun_counter() < until && std::chrono::steady_clock::now() < patience) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void logger::core::add(std::weak_ptr<limited_event::state> limited) {
    const std::lock_guard lock(gate_);
    std::erase_if(limited_, [](const auto& one) { return one.expired(); });
    limited_.push_back(std::move(limited));
    if (!each_second_) {
        each_second_ =
            std::make_unique<spdlog::details::periodic_worker>([this] { ask_limited(); }, std::chrono::seconds(1));
    }
}

void logger::core::ask_limited() noexcept {
    const std::lock_guard lock(gate_);
    for (const auto& one : limited_) {
        if (const auto event = one.lock()) {
            if (const auto count = event->to_say(false); count != 0) {
                write(event->level, "swallowed", {{"of", event->event}, {"count", count}});
            }
        }
    }
}

logger::logger(const logger_options& options) : core_(std::make_shared<core>(options)) {}
logger::~logger() = default;

void logger::write(severity level, std::string_view event, fields what) noexcept { core_->write(level, event, what); }
bool logger::is_written(severity level) const noexcept { return core_->is_written(level); }
void logger::flush() { core_->flush(); }

void logger::take_berths_messages() {
    auto& place = where_berth_logs();
    const std::lock_guard lock(place.gate);
    place.to = core_;
    place.write = [](void* to, log_level level, std::string_view message) noexcept {
        const severity as = level == log_level::error     ? severity::error
                            : level == log_level::warning ? severity::warning
                                                          : severity::info;
        static_cast<core*>(to)->write(as, "berth", {{"message", message}});
    };
    set_log_sink([](log_level level, std::string_view message, void*) noexcept {
        auto& from = where_berth_logs();
        const std::unique_lock locked(from.gate);
        if (const auto to = from.to.lock()) {
            from.write(to.get(), level, message);
        } else {
            std::fprintf(stderr, "berth: %.*s\n", static_cast<int>(message.size()), message.data());
        }
    });
}

}  // namespace berth::service
