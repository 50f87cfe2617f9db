// See shown_text.hpp.
#include "shown_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace berth::top {
namespace {

struct character {
    std::uint32_t code = 0;
    std::size_t size = 1;
    bool is_whole = false;
};

// The first character; not whole: its first byte is none of UTF-8's.
character first_of(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::uint32_t lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t size = lead >= 0xf0 && lead < 0xf5   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
    if (size == 0 || text.size() < size) return {};
    std::uint32_t code = lead & (0xffu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {};
        code = code << 6 | (byte(i) & 0x3f);
    }
    const bool is_short = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000) || code > 0x10ffff;
    return is_short || (code >= 0xd800 && code < 0xe000) ? character{} : character{code, size, true};
}

bool within(std::uint32_t code, std::uint32_t first, std::uint32_t last) noexcept {
    return code >= first && code <= last;
}

// Controls; what has no width, joins its neighbours or turns the line; combining marks; what stands for no character.
bool is_visible(std::uint32_t c) noexcept {
    return c >= 0x20 && !within(c, 0x7f, 0x9f) && c != 0xad && !within(c, 0x300, 0x36f) && !within(c, 0x590, 0x8ff) &&
           !within(c, 0x200b, 0x200f) && !within(c, 0x2028, 0x202e) && !within(c, 0x2060, 0x206f) &&
           !within(c, 0x20d0, 0x20ff) && !within(c, 0xe000, 0xf8ff) && !within(c, 0xfe00, 0xfe0f) && c != 0xfeff &&
           !within(c, 0xfff0, 0xffff) && c < 0xe0000;
}

bool is_wide(std::uint32_t c) noexcept {
    return within(c, 0x1100, 0x115f) || within(c, 0x2e80, 0xa4cf) || within(c, 0xac00, 0xd7a3) ||
           within(c, 0xf900, 0xfaff) || within(c, 0xff01, 0xff60) || within(c, 0x1f300, 0x1faff) || c >= 0x20000;
}

}  // namespace

std::string shown(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto c = first_of(text);
        if (c.is_whole && is_visible(c.code))
            out += text.substr(0, c.size);
        else
            out += '?';
        text.remove_prefix(c.size);
    }
    return out;
}

std::size_t columns(std::string_view text) noexcept {
    std::size_t out = 0;
    while (!text.empty()) {
        const auto c = first_of(text);
        out += is_wide(c.code) ? 2 : 1;
        text.remove_prefix(c.size);
    }
    return out;
}

std::string cut(std::string_view text, std::size_t most) {
    if (columns(text) <= most) return std::string(text);
    std::string out;
    for (std::size_t used = 0; most > 0;) {
        const auto c = first_of(text);
        used += is_wide(c.code) ? 2 : 1;
        if (used > most - 1) return out + '~';
        out += text.substr(0, c.size);
        text.remove_prefix(c.size);
    }
    return out;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t most) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto size = std::min(text.find(' '), text.size());
        const std::string word = cut(text.substr(0, size), most);
        text.remove_prefix(std::min(size + 1, text.size()));
        if (word.empty()) continue;
        if (!out.empty() && columns(out.back()) + 1 + columns(word) <= most)
            out.back() += ' ' + word;
        else
            out.push_back(word);
    }
    return out;
}

std::string fmt_count(double count) {
    if (count < 1e6) return fmt::format("{:.0f}", count);
    if (count < 1e9) return fmt::format("{:.1f}M", count / 1e6);
    if (count < 1e12) return fmt::format("{:.1f}G", count / 1e9);
    return fmt::format("{:.0e}", count);
}

std::string fmt_rate(double of_a_second) {
    if (of_a_second == 0) return "0";
    if (of_a_second < 10) return fmt::format("{:.2f}", of_a_second);
    if (of_a_second < 100) return fmt::format("{:.1f}", of_a_second);
    if (of_a_second < 1e4) return fmt::format("{:.0f}", of_a_second);
    if (of_a_second < 1e6) return fmt::format("{:.1f}k", of_a_second / 1e3);
    return fmt_count(of_a_second);
}

std::string fmt_seconds(double seconds) {
    const auto in = [&](double factor, const char* unit) {
        const double value = seconds * factor;
        return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, unit);
    };
    if (seconds < 1e-6) return fmt::format("{:.0f} ns", seconds * 1e9);
    if (seconds < 1e-3) return in(1e6, "us");
    if (seconds < 1) return in(1e3, "ms");
    return seconds < 1e6 ? in(1, "s") : fmt::format("{:.0e} s", seconds);
}

std::string fmt_age(long long seconds) {
    if (seconds < 120) return fmt::format("{} s", std::max(seconds, 0LL));
    if (seconds < 7200) return fmt::format("{} min", seconds / 60);
    if (seconds < 172800) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} d", seconds / 86400);
}

}  // namespace berth::top
