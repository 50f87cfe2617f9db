// The process's log sink; see include/berth/log.hpp.
#include "log.hpp"

#include <berth/log.hpp>

#include <cstdio>
#include <mutex>

namespace berth::inline v0_1 {
namespace {

void write_to_stderr(log_level level, std::string_view message, void*) noexcept {
    static constexpr const char* names[] = {"info", "warning", "error"};
    std::fprintf(stderr, "berth: %s: %.*s\n", names[static_cast<int>(level)], static_cast<int>(message.size()),
                 message.data());
}

std::mutex choosing;
log_sink chosen = write_to_stderr;
void* chosen_context = nullptr;

}  // namespace

void set_log_sink(log_sink sink, void* context) noexcept {
    const std::lock_guard lock(choosing);
    chosen = sink;
    chosen_context = context;
}

}  // namespace berth::v0_1

namespace berth::detail {

void log(log_level level, std::string_view message) noexcept {
    log_sink sink = nullptr;
    void* context = nullptr;
    {
        const std::lock_guard lock(choosing);
        sink = chosen;
        context = chosen_context;
    }
    if (sink != nullptr) sink(level, message, context);
}

}  // namespace berth::detail
