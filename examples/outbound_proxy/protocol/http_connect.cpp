// See http_connect.hpp.
#include "http_connect.hpp"

#include <algorithm>
#include <charconv>

namespace outbound_proxy {
namespace {

bool is_token_character(char c) noexcept {  // RFC 9110, 5.6.2
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}
std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The next line without its CR LF, or nothing.
enum class line_state { there, missing, bare };
line_state next_line(std::string_view& rest, std::string_view& line) noexcept {
    const std::size_t end = rest.find('\n');
    line = rest.substr(0, end);
    const std::size_t carriage = line.find('\r');
    if (carriage != line.npos && carriage + 1 < line.size()) return line_state::bare;
    if (end == rest.npos) return line_state::missing;
    if (carriage == line.npos) return line_state::bare;
    line.remove_suffix(1);
    rest.remove_prefix(end + 1);
    return line_state::there;
}

/// uri-host ":" port, both there (RFC 9112, 3.2.3).
bool read_authority(std::string_view text, destination& to) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return false;
    std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), to.port);
    if (error != std::errc() || end != digits.data() + digits.size() || to.port == 0) return false;
    const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (in_brackets) host = host.substr(1, host.size() - 2);
    return read_host(host, to) && in_brackets == (to.name.empty() && to.address.is_v6());
}

/// "Basic" and base64 of user:password. Other schemes are no credentials of ours: the answer is a 407, as without
/// any.
bool read_credentials(std::string_view value, http_connect& out) {
    const std::size_t space = value.find(' ');
    if (space == value.npos || !equal_ignoring_case(value.substr(0, space), "basic")) return true;
    std::string both;
    if (!decode_base64(trimmed(value.substr(space)), both)) return false;
    const std::size_t colon = both.find(':');
    if (colon == both.npos) return false;
    out.has_credentials = true;
    out.name = both.substr(0, colon);
    out.password = both.substr(colon + 1);
    return true;
}

parsed read_request_line(std::string_view line, http_connect& out, bool& is_old) {
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    if (first == line.npos || first == last || !is_token(line.substr(0, first)))
        return parsed::wrong("no request line of HTTP", 400);
    const std::string_view method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
                           version = line.substr(last + 1);
    if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || version[6] != '.' || version[5] < '0' ||
        version[5] > '9' || version[7] < '0' || version[7] > '9')
        return parsed::wrong("no version of HTTP at the end of the request line", 400);
    if (version[5] != '1') return parsed::wrong("not version 1 of HTTP", 505);
    is_old = version[7] == '0';
    if (method != "CONNECT") return parsed::wrong("not a CONNECT request: this proxy makes tunnels alone", 405);
    if (!read_authority(target, out.to)) return parsed::wrong("the target is not host:port", 400);
    return parsed::whole(0);
}

struct field_counts {
    std::size_t fields = 0, hosts = 0, credentials = 0;
};

parsed read_field(std::string_view line, http_connect& out, field_counts& counts) {
    if (++counts.fields > http_field_limit) return parsed::wrong("more than 64 header fields", 431);
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon)))
        return parsed::wrong("a header line without a name and a colon, or a folded one", 400);
    const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    for (const char c : value) {
        if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f)
            return parsed::wrong("a control character in a header field", 400);
    }
    if (equal_ignoring_case(name, "host")) {
        if (++counts.hosts > 1) return parsed::wrong("more than one Host field", 400);
    } else if (equal_ignoring_case(name, "transfer-encoding")) {
        return parsed::wrong("a CONNECT request with a Transfer-Encoding", 400);
    } else if (equal_ignoring_case(name, "content-length")) {
        if (value != "0") return parsed::wrong("a CONNECT request with content", 400);
    } else if (equal_ignoring_case(name, "proxy-authorization")) {
        if (++counts.credentials > 1) return parsed::wrong("more than one Proxy-Authorization field", 400);
        if (!read_credentials(value, out))
            return parsed::wrong("Proxy-Authorization is not base64 of user:password", 400);
    } else if (equal_ignoring_case(name, "connection") || equal_ignoring_case(name, "proxy-connection")) {
        if (equal_ignoring_case(value, "close")) out.keeps_alive = false;
    }
    return parsed::whole(0);
}

const char* phrase_of(int status) noexcept {
    switch (status) {
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 405:
            return "Method Not Allowed";
        case 407:
            return "Proxy Authentication Required";
        case 408:
            return "Request Timeout";
        case 414:
            return "URI Too Long";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Error";
    }
}

}  // namespace

parsed parse(octets bytes, http_connect& out) {
    out = {};
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), http_head_limit));
    const std::string_view all = rest;
    if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // RFC 9112, 2.2

    std::string_view line;
    const line_state begun = next_line(rest, line);
    if (begun == line_state::bare) return parsed::wrong("a line that does not end in CR LF", 400);
    if (line.size() > http_request_line_limit) return parsed::wrong("a request line of more than 600 bytes", 414);
    if (begun == line_state::missing) return {};
    bool is_old = false;
    if (const parsed p = read_request_line(line, out, is_old); p.state == outcome::wrong) return p;
    if (is_old) out.keeps_alive = false;

    field_counts counts;
    for (;;) {
        const line_state state = next_line(rest, line);
        if (state == line_state::bare) return parsed::wrong("a line that does not end in CR LF", 400);
        if (state == line_state::missing) {
            if (all.size() >= http_head_limit) return parsed::wrong("a head of more than 8,192 bytes", 431);
            return {};
        }
        if (line.empty()) break;
        if (const parsed p = read_field(line, out, counts); p.state == outcome::wrong) return p;
    }
    if (!is_old && counts.hosts == 0) return parsed::wrong("no Host field", 400);
    return parsed::whole(all.size() - rest.size());
}

bool decode_base64(std::string_view text, std::string& out) {
    static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    out.clear();
    if (text.size() % 4 != 0) return false;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t value = i < text.size() - padding ? alphabet.find(text[i]) : 0;
        if (value == alphabet.npos) return false;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
        if (i % 4 != 3) continue;
        for (const int shift : {16, 8, 0}) out.push_back(static_cast<char>(bits >> shift & 0xff));
        bits = 0;
    }
    for (std::size_t i = 0; i < padding; ++i) {
        if (out.back() != '\0') return false;  // bits that nobody can have meant
        out.pop_back();
    }
    return true;
}

std::string refusal(int status, std::string_view why, bool keeps_alive) {
    std::string out = "HTTP/1.1 " + std::to_string(status) + ' ' + phrase_of(status) + "\r\n";
    if (status == 405) out += "Allow: CONNECT\r\n";
    if (status == 407) out += "Proxy-Authenticate: Basic realm=\"outbound proxy\", charset=\"UTF-8\"\r\n";
    if (status == 429 || status == 503) out += "Retry-After: 1\r\n";
    out += keeps_alive ? "" : "Connection: close\r\n";
    out += "Content-Type: text/plain\r\nContent-Length: " + std::to_string(why.size() + 1) + "\r\n\r\n";
    return out.append(why) += '\n';
}

std::string_view established() noexcept { return "HTTP/1.1 200 Connection established\r\n\r\n"; }

}  // namespace outbound_proxy
