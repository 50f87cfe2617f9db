// Prometheus' text format, read: samples with their labels, and what is wrong with a line.
//
// Whoever answers at an endpoint may be anybody, so any bytes are an input. Invariant: a sample has a name and labels
// of the format's alphabet, a value that is a number (NaN and the infinities are), and came from one line. A line
// that is none of the format's is left out and named; the others are read all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::top {

enum class exposition_error : std::uint8_t {
    no_name,             ///< a line does not begin with a metric's name
    bad_label_name,      ///< what is before = is no label's name
    no_equals_sign,      ///< a label has no =
    no_quote,            ///< a label's value does not begin with "
    bad_escape,          ///< a \ before anything but \, " and n
    label_has_no_end,    ///< the line ends within a label's value
    labels_have_no_end,  ///< neither , nor } after a label
    no_value,            ///< nothing follows the name
    bad_value,           ///< what follows is no number
    value_out_of_range,  ///< a number that no double holds
    bad_timestamp,       ///< what follows the value is no whole number
    more_than_a_sample,  ///< something follows the timestamp
};
/// The error in words, e.g. "no value".
[[nodiscard]] std::string_view words_of(exposition_error error) noexcept;

using labels = std::vector<std::pair<std::string, std::string>>;

struct sample {
    std::string name;
    labels with{};
    double value = 0;

    /// The label's value; empty: it has none of that name.
    [[nodiscard]] std::string_view label(std::string_view of) const noexcept;
};

struct bad_line {
    std::size_t number = 0;  ///< from 1
    exposition_error error{};
};

struct exposition {
    std::vector<sample> samples;
    std::optional<bad_line> first_bad;
    std::size_t bad_count = 0;
};

[[nodiscard]] exposition parse(std::string_view text);

}  // namespace berth::top
