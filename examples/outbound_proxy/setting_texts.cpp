// See setting_texts.hpp.
#include "setting_texts.hpp"

#include <charconv>
#include <stdexcept>

namespace outbound_proxy {
namespace {

bool read_number(std::string_view text, std::uint32_t least, std::uint32_t most, std::uint32_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && out >= least && out <= most;
}

bool read_span(std::string_view text, port_span& out) {
    const std::size_t dash = text.find('-');
    std::uint32_t first = 0, last = 0;
    if (!read_number(text.substr(0, dash), 1, 65535, first)) return false;
    last = first;
    if (dash != text.npos && !read_number(text.substr(dash + 1), first, 65535, last)) return false;
    out = {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
    return true;
}

bool read_address(std::string_view text, asio::ip::address& out) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
        text = text.substr(1, text.size() - 2);
        if (text.find(':') == text.npos) return false;
    }
    std::error_code wrong;
    out = asio::ip::make_address(std::string(text), wrong);
    return !wrong;
}

bool read_block(std::string_view text, berth::port_block& out) {
    constexpr std::string_view any = "any*";
    if (text.starts_with(any)) return read_number(text.substr(any.size()), 1, 65535, out.count);
    port_span span;
    if (!read_span(text, span)) return false;
    out = {span.first, span.second - span.first + 1u};
    return true;
}

}  // namespace

source_setting read_source(std::string_view text) {
    source_setting out;
    std::string_view rest = text;
    if (const std::size_t equals = rest.find('='); equals != rest.npos) {
        out.name = rest.substr(0, equals);
        rest.remove_prefix(equals + 1);
    }
    if (const std::size_t slash = rest.rfind('/'); slash != rest.npos) {
        if (!read_number(rest.substr(slash + 1), 1, 65535, out.per_port)) rest = {};
        rest = rest.substr(0, slash);
    }
    const std::size_t colon = rest.rfind(':');
    const bool is_read = colon != rest.npos && read_address(rest.substr(0, colon), out.address) &&
                         (out.address.is_v4() || rest.front() == '[') &&
                         read_block(rest.substr(colon + 1), out.ports);
    if (!is_read)
        throw std::invalid_argument("'" + std::string(text) +
                                    "' is no source: it is ADDRESS:FIRST-LAST/CONNECTIONS_PER_PORT, for example "
                                    "192.0.2.1:40000-40063/100, paris=[2001:db8::1]:any*64");
    return out;
}

std::vector<port_span> read_port_spans(std::string_view text) {
    std::vector<port_span> out;
    for (std::string_view rest = text;;) {
        const std::size_t comma = rest.find(',');
        if (!read_span(rest.substr(0, comma), out.emplace_back()))
            throw std::invalid_argument("'" + std::string(text) + "' is no list of ports like 443,8000-8999");
        if (comma == rest.npos) return out;
        rest.remove_prefix(comma + 1);
    }
}

network read_network(std::string_view text) {
    network out;
    const std::size_t slash = text.find('/');
    std::uint32_t bits = 0;
    bool is_read = read_address(text.substr(0, slash), out.address);
    const std::uint32_t most = out.address.is_v4() ? 32 : 128;
    if (slash == text.npos) bits = most;
    if (slash != text.npos) is_read = is_read && read_number(text.substr(slash + 1), 0, most, bits);
    if (!is_read)
        throw std::invalid_argument("'" + std::string(text) +
                                    "' is no network: it is ADDRESS or ADDRESS/BITS, for example 10.0.0.0/8");
    out.bits = bits;
    return out;
}

}  // namespace outbound_proxy
