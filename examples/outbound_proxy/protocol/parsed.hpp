// What every parser here returns: bytes in, a value out, no I/O and no state.
//
// A parser is given all bytes since its message began, and says `more` until the message is whole; so what comes in
// pieces and what comes at once is read alike. `wrong` is final, and says why in words for the log. Each message has
// a size that it cannot exceed, so `more` is never said of more bytes than that.
#pragma once

#include <asio/ip/address.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace outbound_proxy {

using octets = std::span<const std::uint8_t>;

enum class outcome : std::uint8_t { more, whole, wrong };

struct parsed {
    outcome state = outcome::more;
    std::size_t size = 0;  ///< bytes of the message, if it is whole
    int status = 0;        ///< what to answer if it is wrong: a SOCKS reply, an HTTP status
    std::string_view why;  ///< if it is wrong; a constant

    static constexpr parsed whole(std::size_t size) noexcept { return {outcome::whole, size, 0, {}}; }
    static constexpr parsed wrong(std::string_view why, int status = 0) noexcept {
        return {outcome::wrong, 0, status, why};
    }
};

/// Where a client wants to go: an address, or else a name.
struct destination {
    std::string name;  ///< empty: it is `address`
    asio::ip::address address;
    std::uint16_t port = 0;  ///< host byte order

    friend bool operator==(const destination&, const destination&) = default;
};

/// A host as clients write it, without brackets: an address, or a name of at most 253 visible characters that cannot
/// break a log's line. False: neither.
inline bool read_host(std::string_view text, destination& to) {
    if (text.empty() || text.size() > 253) return false;
    for (const char c : text) {
        if (c <= ' ' || c > '~' || std::string_view("\"\\/@%[]").find(c) != std::string_view::npos) return false;
    }
    std::error_code not_numeric;
    to.name.assign(text);
    to.address = asio::ip::make_address(to.name, not_numeric);
    if (!not_numeric) to.name.clear();
    return not_numeric ? text.find(':') == text.npos : true;
}

}  // namespace outbound_proxy
