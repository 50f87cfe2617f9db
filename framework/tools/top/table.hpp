// Lines of coloured pieces, and tables of them that give up columns where the terminal is narrow.
//
// Invariant: no line of render() is wider than asked, and without colours there is no escape sequence in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace berth::top {

enum class paint : std::uint8_t { plain, strong, soft, good, busy, bad };

struct piece {
    std::string text;  ///< as shown() makes it
    paint how = paint::plain;
};
using line = std::vector<piece>;

[[nodiscard]] std::string render(const line& of, std::size_t width, bool colours);

struct column {
    std::string title;
    int rank = 0;  ///< of those that do not fit, the one with the highest rank goes first; 0 stays
    bool is_left = false;
};

class table {
public:
    explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<piece> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool is_empty() const noexcept { return rows_.empty(); }
    /// With titles. The first column is cut to what the others leave.
    [[nodiscard]] std::vector<line> lines(std::size_t width) const;

private:
    std::vector<column> columns_;
    std::vector<std::vector<piece>> rows_;
};

}  // namespace berth::top
