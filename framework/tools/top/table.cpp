// See table.hpp.
#include "table.hpp"

#include "shown_text.hpp"

#include <algorithm>
#include <numeric>

namespace berth::top {
namespace {

constexpr std::size_t indent = 2, gap = 2, least_name = 8;

const char* code_of(paint how) noexcept {
    switch (how) {
        case paint::plain:
            return "";
        case paint::strong:
            return "\x1b[1m";
        case paint::soft:
            return "\x1b[2m";
        case paint::good:
            return "\x1b[32m";
        case paint::busy:
            return "\x1b[33m";
        case paint::bad:
            return "\x1b[31m";
    }
    return "";
}

piece padded(const piece& of, std::size_t width, bool is_left) {
    const std::string text = cut(of.text, width);
    const std::string blanks(width - columns(text), ' ');
    return {is_left ? text + blanks : blanks + text, of.how};
}

}  // namespace

std::string render(const line& of, std::size_t width, bool colours) {
    std::string out;
    for (const piece& p : of) {
        const std::string text = cut(p.text, width);
        width -= columns(text);
        const bool painted = colours && p.how != paint::plain && !text.empty();
        out += painted ? code_of(p.how) + text + "\x1b[0m" : text;
        if (width == 0) break;
    }
    if (!out.ends_with('m')) out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

std::vector<line> table::lines(std::size_t width) const {
    std::vector<std::size_t> widths;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
        std::size_t most = columns(columns_[c].title);
        for (const auto& row : rows_) most = std::max(most, columns(row[c].text));
        widths.push_back(most);
    }
    std::vector<std::size_t> kept(columns_.size());
    std::iota(kept.begin(), kept.end(), std::size_t{0});
    const auto sum = [&] {
        std::size_t all = indent;
        for (std::size_t c : kept) all += (c == 0 ? std::min(widths[0], least_name) : gap + widths[c]);
        return all;
    };
    while (sum() > width) {
        const auto least = std::max_element(kept.begin(), kept.end(), [&](std::size_t a, std::size_t b) {
            return columns_[a].rank < columns_[b].rank;
        });
        if (columns_[*least].rank == 0) break;
        kept.erase(least);
    }
    const std::size_t others = sum() - std::min(widths[0], least_name);
    widths[0] = std::min(widths[0], std::max(least_name, width > others ? width - others : 0));

    std::vector<line> out;
    const auto add = [&](auto cell) {
        line all{{std::string(indent, ' '), paint::plain}};
        for (std::size_t c : kept) {
            if (c != 0) all.push_back({std::string(gap, ' '), paint::plain});
            all.push_back(padded(cell(c), widths[c], columns_[c].is_left));
        }
        out.push_back(std::move(all));
    };
    add([&](std::size_t c) { return piece{columns_[c].title, paint::soft}; });
    for (const auto& row : rows_) add([&](std::size_t c) -> const piece& { return row[c]; });
    return out;
}

}  // namespace berth::top
