// One walk over the lines, with the state of a string in it.
#include "toml_text.hpp"

namespace berth::service {
namespace {

constexpr char hash = '\x01', quote = '\x02', backslash = '\x03', apostrophe = '\x04';

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The line with what is inside of strings guarded. `why`: what is wrong with it.
std::string guarded_line(std::string_view line, std::string& why) {
    std::string out;
    char in = 0;  // the quote that the string began with
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool is_control = static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\r';
        if (is_control || c == '\x7f') return why = "has a control character", out;
        if (in == 0) {
            if (c == '#') break;
            if (c == '"' || c == '\'') in = c;
            out += c;
        } else if (c == in) {
            in = 0;
            out += c;
        } else if (c == '\\' && in == '"') {
            const char next = i + 1 < line.size() ? line[++i] : ' ';
            if (next != '"' && next != '\\') {
                return why = std::string("has the escape \\") + next + ", of which only \\\" and \\\\ are known", out;
            }
            out += next == '"' ? quote : backslash;
        } else {
            out += c == '#' ? hash : c == '\\' ? backslash : c == '"' ? quote : c == '\'' ? apostrophe : c;
        }
    }
    if (in != 0) why = std::string("has a string without an end: ") + in + " is missing";
    return out;
}

}  // namespace

std::string guarded_toml(std::string_view text, std::string& mistake) {
    std::string out;
    bool in_array = false;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        std::string why;
        const std::string kept(trimmed(guarded_line(line, why)));
        if (!in_array && why.empty() && !kept.empty() && !(kept.front() == '[' && kept.back() == ']')) {
            const auto equal = kept.find('=');
            if (equal == std::string::npos || trimmed(kept.substr(0, equal)).empty()) {
                why = "is no name = value";
            } else {
                const auto value = trimmed(std::string_view(kept).substr(equal + 1));
                if (value.empty()) why = "has no value: \"\" is an empty one";
                in_array = value.starts_with('[') && value.back() != ']';
            }
        } else if (in_array) {
            in_array = kept.empty() || kept.back() != ']';
        }
        if (!why.empty()) {
            mistake = "line " + std::to_string(number) + " " + why;
            return {};
        }
        out +=
            kept + (in_array ? ' ' : '\n');  // an array is one line: CLI11 wants its first value beside the bracket
    }
    if (in_array) mistake = "an array has no end: ] is missing";
    return out;
}

std::string restored(std::string value) {
    for (char& c : value) c = c == hash ? '#' : c == quote ? '"' : c == backslash ? '\\' : c == apostrophe ? '\'' : c;
    return value;
}

std::string escaped_toml(std::string_view text) {
    std::string out;
    char in = 0;
    bool is_remark = false;
    for (const char c : text) {
        if (c == '\n') in = 0, is_remark = false;
        if (in == 0 && c == '#') is_remark = true;
        if (!is_remark && (c == '"' || c == '\'')) in = in == 0 ? c : in == c ? '\0' : in;
        out += c;
        if (c == '\\' && in == '"') out += c;
    }
    return out;
}

}  // namespace berth::service
