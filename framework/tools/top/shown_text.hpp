// Strangers' text made fit for a terminal, and numbers as people read them.
//
// Invariant: what shown() returns has no control character (so no escape sequence), nothing that turns the direction
// of the line, and is UTF-8; columns() of it is how wide it is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace berth::top {

/// Whatever is no visible character is a ?.
[[nodiscard]] std::string shown(std::string_view text);
[[nodiscard]] std::size_t columns(std::string_view shown_text) noexcept;
/// At most so many columns; what was cut off is a ~ at the end.
[[nodiscard]] std::string cut(std::string_view shown_text, std::size_t most);

/// Broken between words into lines of at most so many columns; a longer word is cut.
[[nodiscard]] std::vector<std::string> wrapped(std::string_view shown_text, std::size_t most);

/// 0, 950, 12345, 1.2M
[[nodiscard]] std::string fmt_count(double count);
/// 0, 0.50, 12.5, 950, 12.3k
[[nodiscard]] std::string fmt_rate(double of_a_second);
/// 12 ns, 1.25 us, 683 us, 1.10 ms, 2.5 s
[[nodiscard]] std::string fmt_seconds(double seconds);
/// 13 s, 4 min, 3 h, 2 d
[[nodiscard]] std::string fmt_age(long long seconds);

}  // namespace berth::top
