// The sentences that the table and the page share.
#pragma once

#include "contest/results.hpp"

#include <string>
#include <vector>

namespace berth::bench {

/// What the figures are and how far to trust them; one line each.
[[nodiscard]] std::vector<std::string> how_to_read(const report& r);

/// "0.98..1.03"; nothing for the yardstick itself.
[[nodiscard]] std::string fmt_interval(const scene_result& scene, const contestant_result& c);

/// What else a reader must know of this figure, with a gap in front; mostly nothing.
[[nodiscard]] std::string fmt_remark(const contestant_result& c);

/// ", with 64 connections" if it could not be as many as the title says.
[[nodiscard]] std::string fmt_fewer(const scene_result& scene);

}  // namespace berth::bench
