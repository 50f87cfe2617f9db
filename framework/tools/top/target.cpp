// See target.hpp. Names are looked up here, once, because a lookup cannot be given a time limit.
#include "target.hpp"

#include <asio/io_context.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <stdexcept>

namespace berth::top {
namespace {

[[noreturn]] void refuse(const std::string& words, const std::string& why) {
    throw std::invalid_argument("'" + words + "' " + why);
}

bool is_request_text(std::string_view text) noexcept {
    for (const char c : text)
        if (c <= ' ' || c >= 0x7f) return false;
    return true;
}

}  // namespace

target target_of(const std::string& words) {
    target out;
    out.name = words;
    if (words == "berthd" || words.starts_with('/')) {
        out.is_daemon = true;
        out.is_waited_for = std::make_shared<std::atomic<bool>>(false);
        if (words != "berthd") out.socket = words;
        return out;
    }
    if (words.starts_with("https://")) refuse(words, "is TLS, which this does not speak: give it http");
    std::string rest = words.starts_with("http://") ? words.substr(7) : words;
    const auto slash = rest.find('/');
    out.path = slash == std::string::npos || slash + 1 == rest.size() ? "/metrics" : rest.substr(slash);
    rest.resize(std::min(slash, rest.size()));
    if (!is_request_text(words)) refuse(words, "has a character that no request may have");
    out.host = rest;
    const auto colon = rest.rfind(':');
    std::uint16_t port = 0;
    const char* const end = rest.data() + rest.size();
    const auto read = colon == std::string::npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                                 : std::from_chars(rest.data() + colon + 1, end, port);
    if (read.ec != std::errc{} || read.ptr != end || port == 0)
        refuse(words, "is not ADDRESS:PORT, e.g. 127.0.0.1:9100, nor berthd, nor the path of its socket");
    std::string host = rest.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::error_code ec;
    const auto address = asio::ip::make_address(host, ec);
    if (!ec) {
        out.at = {address, port};
        return out;
    }
    asio::io_context none;
    const auto found = asio::ip::tcp::resolver(none).resolve(host, std::to_string(port), ec);
    if (ec || found.empty()) refuse(words, "cannot be looked up: " + ec.message());
    out.at = found.begin()->endpoint();
    return out;
}

}  // namespace berth::top
