// The daemon's log: one line an event, words=values, on stderr, where a service manager or a file takes it.
//
//   log_line(log_level::info, "created").with("protocol", "tcp").with("first", 5000);
//
// The framework's own facility, not a library of logs: one process, one thread, a line a request, and nothing to
// rotate. What the library says goes the same way. With a journal behind stderr each line says its priority.
#pragma once

#include <berth/log.hpp>

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace berth::daemon {

/// What is below is left out.
void set_log_level(log_level least) noexcept;

class log_line {
public:
    log_line(log_level level, std::string_view event);
    ~log_line();
    log_line(const log_line&) = delete;
    log_line& operator=(const log_line&) = delete;

    template <class Value>
    log_line& with(std::string_view name, const Value& value) {
        add(name, fmt::format("{}", value));
        return *this;
    }

private:
    void add(std::string_view name, const std::string& value);

    log_level level_;
    std::string text_;
};

/// What the library says becomes lines as well.
void take_over_the_librarys_log() noexcept;

}  // namespace berth::daemon
