// Lines of the log; see log_line.hpp.
#include "log_line.hpp"

#include <cstdio>
#include <cstdlib>

namespace berth::daemon {
namespace {

log_level least_level = log_level::info;

// The journal reads a priority between angle brackets.
const char* priority_of(log_level level) {
    static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    static constexpr const char* priorities[] = {"<6>", "<4>", "<3>"};
    return journal ? priorities[static_cast<int>(level)] : "";
}

bool is_plain(std::string_view value) {
    return !value.empty() && value.find_first_of(" \"=\\\n\t\r") == std::string_view::npos;
}

}  // namespace

void set_log_level(log_level least) noexcept { least_level = least; }

log_line::log_line(log_level level, std::string_view event) : level_(level) {
    static constexpr const char* names[] = {"info", "warning", "error"};
    text_ = fmt::format("{}level={}", priority_of(level), names[static_cast<int>(level)]);
    add("event", std::string(event));
}

log_line::~log_line() {
    if (level_ < least_level) return;
    text_ += '\n';
    std::fwrite(text_.data(), 1, text_.size(), stderr);  // stderr is unbuffered: one line, one write
}

void log_line::add(std::string_view name, const std::string& value) {
    text_.append(" ").append(name).append("=");
    if (is_plain(value)) {
        text_ += value;
        return;
    }
    text_ += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\') text_ += '\\';
        text_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    text_ += '"';
}

void take_over_the_librarys_log() noexcept {
    set_log_sink([](log_level level, std::string_view message, void*) noexcept {
        log_line(level, "library").with("says", message);
    });
}

}  // namespace berth::daemon
