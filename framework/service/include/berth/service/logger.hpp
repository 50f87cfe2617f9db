// A log of events: one line each, of key=value (logfmt) or JSON, written by a thread of the log's own.
//
//   log.info("match_opened", {{"match", id}, {"port", port}});
//   time=2026-11-22T01:55:00.123Z level=info event=match_opened match=17 port=40012
//
// Invariant: one call is one line. Whatever a value contains, it is escaped so that nobody can forge a line, a field
// or a terminal's command: beyond printable ASCII nothing leaves the log but as \u0000. A shard never waits for
// whoever reads the log: beyond most_waiting lines the oldest are dropped, and the log says how many
// (event=log_lines_lost).
#pragma once

#include <berth/service/field.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace berth::service {

enum class severity : std::uint8_t { debug, info, warning, error };
enum class log_format : std::uint8_t { text, json };

struct logger_options {
    severity level = severity::info;  ///< what is below is not written
    log_format format = log_format::text;
    std::size_t most_waiting = 8192;  ///< lines that wait for the log's thread; at least 1
    std::ostream* to = nullptr;       ///< used by one thread at a time; nullptr: the standard error
};

/// Any thread. Its end writes what waits.
class logger {
public:
    using fields = std::initializer_list<field>;

    /// Throws std::bad_alloc, std::system_error (no thread).
    explicit logger(const logger_options& options = {});
    logger(const logger&) = delete;
    logger& operator=(const logger&) = delete;
    ~logger();

    /// Takes a lock for as long as a line is queued.
    void write(severity level, std::string_view event, fields what = {}) noexcept;
    void debug(std::string_view event, fields what = {}) noexcept { write(severity::debug, event, what); }
    void info(std::string_view event, fields what = {}) noexcept { write(severity::info, event, what); }
    void warning(std::string_view event, fields what = {}) noexcept { write(severity::warning, event, what); }
    void error(std::string_view event, fields what = {}) noexcept { write(severity::error, event, what); }
    /// False: a line of that severity would not be written.
    [[nodiscard]] bool is_written(severity level) const noexcept;

    /// From now on what berth itself has to say (berth/log.hpp) is a line here: event=berth. After this log's end it
    /// goes to the standard error. One log in a process does this; the last one that was asked.
    void take_berths_messages();

    /// Waits until all that was written before is out, five seconds at most. Not for shards' threads.
    void flush();

private:
    friend class limited_event;
    class core;
    std::shared_ptr<core> core_;
};

/// An event that a stranger can provoke: at most `most` lines in `within`, and then one that counts what was
/// swallowed (event=swallowed of=... count=...), within some two seconds of the end of that time. Any thread, without
/// a lock while it swallows.
class limited_event {
public:
    limited_event(logger& log, severity level, std::string event, std::uint32_t most = 10,
                  std::chrono::steady_clock::duration within = std::chrono::seconds(10));
    limited_event(const limited_event&) = delete;
    limited_event& operator=(const limited_event&) = delete;
    /// Says what was swallowed.
    ~limited_event();

    void operator()(logger::fields what = {}) noexcept;
    /// Lines that were not written since the beginning.
    [[nodiscard]] std::uint64_t swallowed() const noexcept;

private:
    friend class logger;
    class state;
    std::shared_ptr<logger::core> log_;
    std::shared_ptr<state> state_;
};

}  // namespace berth::service
