// The head of an HTTP CONNECT request, and the answers to it: RFC 9110 (9.3.6, 11.7, 15), RFC 9112 (2, 3, 5).
//
// Read strictly, since what two servers read differently can be used against the second one: lines end in CR LF, no
// folded lines, no space before a colon, exactly one Host in HTTP/1.1, no content. All that is a CONNECT's is the
// authority and Proxy-Authorization (Basic, RFC 7617); other fields are skipped.
#pragma once

#include "parsed.hpp"

namespace outbound_proxy {

inline constexpr std::size_t http_head_limit = 8192;         ///< bytes: 431 beyond
inline constexpr std::size_t http_field_limit = 64;          ///< fields: 431 beyond
inline constexpr std::size_t http_request_line_limit = 600;  ///< bytes: 414 beyond

struct http_connect {
    destination to;
    bool has_credentials = false;
    std::string name, password;
    bool keeps_alive = true;  ///< another request may follow if this one is refused
};

/// A wrong one has the HTTP status to answer with: 400, 405, 414, 431, 505.
parsed parse(octets bytes, http_connect& out);

/// RFC 4648, with padding. False: it is not base64.
bool decode_base64(std::string_view text, std::string& out);

/// A whole response to a refused request. `why` is its content, in a line.
std::string refusal(int status, std::string_view why, bool keeps_alive);
/// To one that was accepted; the tunnel begins behind it.
std::string_view established() noexcept;

}  // namespace outbound_proxy
