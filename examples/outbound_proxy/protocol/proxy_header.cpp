// See proxy_header.hpp.
#include "proxy_header.hpp"

#include "octet_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace outbound_proxy {
namespace {

using asio::ip::tcp;

constexpr std::string_view line_beginning = "PROXY ";
constexpr std::size_t line_limit = 107;
constexpr std::array<std::uint8_t, 12> signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

// --- version 1

std::string_view next_word(std::string_view& rest) noexcept {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, space);
    rest.remove_prefix(std::min(space + 1, rest.size()));
    return word;
}

bool read_port(std::string_view text, std::uint16_t& port) noexcept {
    if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size();
}

bool read_address(std::string_view text, bool is_v6, asio::ip::address& address) {
    if (text.find_first_not_of("0123456789abcdefABCDEF:.") != text.npos) return false;  // a zone, or a NUL
    std::error_code wrong;
    address = asio::ip::make_address(std::string(text), wrong);
    return !wrong && address.is_v6() == is_v6;
}

parsed parse_line(octets bytes, proxy_header& out) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), line_limit));
    const std::size_t line_feed = text.find('\n');  // the first one: whether more has come decides nothing
    if (line_feed == text.npos) {
        if (text.size() >= line_limit) return parsed::wrong("a PROXY line of more than 107 bytes");
        return {};
    }
    const std::size_t end = line_feed - 1;
    if (text[end] != '\r') return parsed::wrong("a PROXY line that does not end in CR LF");
    std::string_view rest = text.substr(line_beginning.size(), end - line_beginning.size());
    const bool ends_in_space = !rest.empty() && rest.back() == ' ';
    const std::string_view family = next_word(rest);
    out.version = 1;
    if (family == "UNKNOWN") return parsed::whole(end + 2);
    if (family != "TCP4" && family != "TCP6")
        return parsed::wrong("a PROXY line of another protocol than TCP4 and TCP6");
    asio::ip::address from, to;
    std::uint16_t from_port = 0, to_port = 0;
    const bool is_v6 = family == "TCP6";
    const bool is_read = read_address(next_word(rest), is_v6, from) && read_address(next_word(rest), is_v6, to) &&
                         read_port(next_word(rest), from_port) && read_port(next_word(rest), to_port);
    if (!is_read || !rest.empty() || ends_in_space)
        return parsed::wrong("a PROXY line without two addresses and two ports");
    out.client = tcp::endpoint(from, from_port);
    out.server = tcp::endpoint(to, to_port);
    return parsed::whole(end + 2);
}

// --- version 2

constexpr std::uint8_t crc_type = 0x03;

/// The extensions: each has its length, together they fill the header. The checksum is over all of it with zeroes in
/// its own place.
parsed check_extensions(octets header, octet_reader in) {
    while (in.has(1)) {
        if (!in.has(3)) return parsed::wrong("an extension of the PROXY header that is cut off");
        const std::uint8_t type = in.octet();
        const std::size_t size = in.number16();
        if (!in.has(size)) return parsed::wrong("an extension of the PROXY header that is longer than the header");
        const std::size_t at = in.position();
        const octets value = in.take(size);
        if (type != crc_type) continue;
        if (size != 4) return parsed::wrong("a checksum of the PROXY header that has not four bytes");
        constexpr std::array<std::uint8_t, 4> zeroes{};
        std::uint32_t sum = crc32c(header.first(at));
        sum = crc32c(header.subspan(at + 4), crc32c(zeroes, sum));
        octet_reader said(value);
        const std::uint32_t high = said.number16();
        if ((high << 16 | said.number16()) != sum)
            return parsed::wrong("the checksum of the PROXY header is another");
    }
    return parsed::whole(header.size());
}

parsed parse_binary(octets bytes, proxy_header& out) {
    octet_reader in(bytes);
    if (!in.has(16)) return {};
    in.take(signature.size());
    const std::uint8_t version_and_command = in.octet(), family_and_protocol = in.octet();
    const std::size_t size = in.number16();
    if (version_and_command >> 4 != 2) return parsed::wrong("a binary PROXY header that is not of version 2");
    const int command = version_and_command & 0xf;
    if (command > 1) return parsed::wrong("a PROXY header that is neither LOCAL nor PROXY");
    if (16 + size > proxy_header_limit) return parsed::wrong("a PROXY header of more than 4,096 bytes");
    if (!in.has(size)) return {};
    out.version = 2;
    const octets header = bytes.first(16 + size);
    in = octet_reader(header);
    in.take(16);

    const int family = family_and_protocol >> 4, protocol = family_and_protocol & 0xf;
    constexpr int internet4 = 1, internet6 = 2, local = 3, stream = 1;
    if (command == 0 || family == 0)
        return parsed::whole(header.size());  // LOCAL, or of no known family: no addresses
    if (family > local || protocol > 2) return parsed::wrong("a PROXY header of a family or protocol that is none");
    const std::size_t addresses = family == internet4 ? 12 : family == internet6 ? 36 : 216;
    if (!in.has(addresses)) return parsed::wrong("a PROXY header without room for its addresses");
    if (family == local) {
        in.take(addresses);
    } else {
        if (protocol != stream) return parsed::wrong("a PROXY header that speaks of no stream");
        const bool is_v6 = family == internet6;
        const auto next = [&] { return is_v6 ? asio::ip::address(in.address6()) : asio::ip::address(in.address4()); };
        const asio::ip::address from = next(), to = next();
        const std::uint16_t from_port = in.number16(), to_port = in.number16();
        out.client = tcp::endpoint(from, from_port);
        out.server = tcp::endpoint(to, to_port);
    }
    return check_extensions(header, in);
}

constexpr std::array<std::uint32_t, 256> make_crc_table() noexcept {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
        table[i] = value;
    }
    return table;
}

}  // namespace

header_guess guess_proxy_header(octets bytes) noexcept {
    const auto begins = [&](auto& what) {
        const std::size_t size = std::min(bytes.size(), what.size());
        return std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size), what.begin(),
                          [](std::uint8_t a, auto b) { return a == static_cast<std::uint8_t>(b); });
    };
    if (begins(line_beginning)) return bytes.size() < line_beginning.size() ? header_guess::more : header_guess::yes;
    if (begins(signature)) return bytes.size() < signature.size() ? header_guess::more : header_guess::yes;
    return header_guess::no;
}

parsed parse(octets bytes, proxy_header& out) {
    out = {};
    switch (guess_proxy_header(bytes)) {
        case header_guess::more:
            return {};
        case header_guess::no:
            return parsed::wrong("no PROXY header where one must be");
        case header_guess::yes:
            break;
    }
    return bytes.front() == 'P' ? parse_line(bytes, out) : parse_binary(bytes, out);
}

std::uint32_t crc32c(octets bytes, std::uint32_t before) noexcept {
    static constexpr auto table = make_crc_table();
    std::uint32_t sum = ~before;
    for (const std::uint8_t byte : bytes) sum = (sum >> 8) ^ table[(sum ^ byte) & 0xff];
    return ~sum;
}

}  // namespace outbound_proxy
