// A report as one page: no other file, no network, no script; readable on a phone, in light and in dark.
#pragma once

#include "report/svg_chart.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

/// The words with what HTML would take for its own made harmless.
[[nodiscard]] std::string escaped(std::string_view words);

/// A titled box of the page. `explained` and `body` are HTML.
[[nodiscard]] std::string card(std::string_view title, std::string_view explained, std::string_view body);

[[nodiscard]] std::string legend(const std::vector<series>& lines);

/// A target of the project's and what became of it; nothing: it could not be measured here.
struct target_row {
    std::string_view what, goal, measured;
    std::optional<bool> reached;
};
/// The section of the targets, which folds on a phone; empty without any. `explained` is HTML.
[[nodiscard]] std::string targets_section(std::string_view explained, const std::vector<target_row>& rows);

/// `title` in the tab, `body` is HTML. Throws std::runtime_error if the file cannot be written.
void write_page(const std::string& path, std::string_view title, std::string_view body);

}  // namespace berth::bench
