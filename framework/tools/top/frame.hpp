// What `berth top` shows: a pure function of readings, the terminal's size and the time.
//
// Invariant: no line is wider than the width, there are no more than the height, and nothing that an endpoint said
// reaches the terminal as anything but visible characters.
#pragma once

#include "figures.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace berth::top {

struct reading {
    std::chrono::steady_clock::time_point at{};
    figures said{};
};

/// An endpoint as it is now. `before` is what rates are against.
struct endpoint_view {
    std::string name;
    std::optional<reading> before{}, now{};
    std::string problem{};  ///< why it is gone; empty: it is not
    std::chrono::system_clock::time_point gone_since{};
};

/// After each try: a reading moves the former one to `before`, a problem is gone since the first of its row.
void note(endpoint_view& view, reading got);
void note(endpoint_view& view, std::string problem, std::chrono::system_clock::time_point when);

struct look {
    std::size_t width = 100;
    std::size_t height = 0;  ///< 0: as many lines as there are
    bool colours = false;
    bool is_live = false;  ///< says how it is ended
};

/// Lines without their ends.
[[nodiscard]] std::vector<std::string> frame(std::span<const endpoint_view> endpoints, const look& how,
                                             std::chrono::system_clock::time_point now);

}  // namespace berth::top
