// Numbers as people read them.
#pragma once

#include <fmt/format.h>

#include <string>

namespace berth::bench {

/// 12 ns, 1.25 us, 683 us, 1.10 ms
[[nodiscard]] inline std::string fmt_time(double ns) {
    if (ns < 1000) return fmt::format("{:.0f} ns", ns);
    const bool in_us = ns < 1e6;
    const double value = in_us ? ns / 1e3 : ns / 1e6;
    return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, in_us ? "us" : "ms");
}

/// 0.85x, 3.1x, 120x, 45,000x
[[nodiscard]] inline std::string fmt_times(double factor) {
    if (factor < 10) return fmt::format("{:.2f}x", factor);
    if (factor < 100) return fmt::format("{:.1f}x", factor);
    const std::string digits = fmt::format("{:.0f}", factor);
    std::string grouped;
    for (std::size_t at = 0; at < digits.size(); ++at) {
        if (at > 0 && (digits.size() - at) % 3 == 0) grouped += ',';
        grouped += digits[at];
    }
    return grouped + 'x';
}

[[nodiscard]] inline std::string fmt_percent(double percent) { return fmt::format("{:g} %", percent); }

}  // namespace berth::bench
