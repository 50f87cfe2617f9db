// Escaping is JSON's in both formats, and to ASCII: control characters, quotes, terminals' commands and letters that
// turn the direction of writing come out as \u0000, bytes that are no UTF-8 as its replacement character.
#include "log_text.hpp"

#include <nlohmann/json.hpp>

namespace berth::service {
namespace {

std::string escaped(std::string_view value) {
    return nlohmann::json(value).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

bool is_plain(std::string_view value) noexcept {
    for (const char c : value) {
        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\') return false;
    }
    return !value.empty();
}

std::string word(std::string_view key) {
    std::string out(key);
    for (char& c : out) {
        const bool may_stay = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
        if (!may_stay) c = '_';
    }
    return out.empty() ? "_" : out;
}

std::string written(log_format format, const field::value_type& value) {
    return std::visit(
        [&](const auto& v) -> std::string {
            using type = std::decay_t<decltype(v)>;
            if constexpr (std::is_same_v<type, std::string_view> || std::is_same_v<type, std::string>) {
                return format == log_format::text && is_plain(v) ? std::string(v) : escaped(v);
            } else {
                return nlohmann::json(v).dump();
            }
        },
        value);
}

void append(std::string& line, log_format format, std::string_view key, const field::value_type& value) {
    if (format == log_format::json) {
        if (!line.empty()) line += ',';
        line += '"' + word(key) + "\":";
    } else {
        if (!line.empty()) line += ' ';
        line += word(key) + '=';
    }
    line += written(format, value);
}

}  // namespace

std::string log_text(log_format format, std::string_view event, logger::fields what) {
    std::string line;
    append(line, format, "event", event);
    for (const field& f : what) append(line, format, f.key(), f.value());
    return line;
}

}  // namespace berth::service
