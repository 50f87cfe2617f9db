// Where berth says what nobody asked for: a warning when a destructor detached sockets, a block that ended by itself.
//
// One sink for the process; the default writes a line to stderr. Never called on the fast path.
#pragma once

#include <berth/detail/config.hpp>

#include <cstdint>
#include <string_view>

namespace berth::inline v0_1 {

enum class log_level : std::uint8_t { info, warning, error };

/// Called from any thread, possibly from several at once; must not throw and must not call berth.
using log_sink = void (*)(log_level level, std::string_view message, void* context) noexcept;

/// Replaces the sink; nullptr silences. Thread-safe, but messages under way may still reach the old one.
BERTH_DECL void set_log_sink(log_sink sink, void* context = nullptr) noexcept;

}  // namespace berth::v0_1
