// See options.hpp.
#include "options.hpp"

#include <charconv>
#include <string_view>

namespace relay {
namespace {

// nullopt: not a number, or one above `most`.
std::optional<std::uint32_t> number_in(std::string_view text, std::uint32_t most) {
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || stop != text.data() + text.size() || value > most)
        return std::nullopt;
    return value;
}

}  // namespace

asio::ip::address address_from(const std::string& text, const char* option) {
    berth::error_code ec;
    auto address = asio::ip::make_address(text, ec);
    if (ec) throw wrong_option(std::string(option) + ": '" + text + "' is no IPv4 or IPv6 address");
    return address;
}

asio::ip::udp::endpoint endpoint_from(const std::string& text, const char* option) {
    const auto colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (colon == std::string::npos || host.find(':') != std::string::npos)
        throw wrong_option(std::string(option) + ": '" + text + "': ADDRESS:PORT is wanted, [ADDRESS]:PORT for IPv6");
    const auto port = number_in(std::string_view(text).substr(colon + 1), 65535);
    if (!port) throw wrong_option(std::string(option) + ": '" + text + "': the port is a number from 0 to 65535");
    return {address_from(host, option), static_cast<std::uint16_t>(*port)};
}

berth::port_block block_from(const std::string& text) {
    const auto dash = text.find('-');
    if (dash == std::string::npos) {
        const auto count = number_in(text, 65535);
        if (count && *count > 0) return {0, *count};
    } else {
        const auto first = number_in(std::string_view(text).substr(0, dash), 65535);
        const auto last = number_in(std::string_view(text).substr(dash + 1), 65535);
        if (first && last && *first > 0 && *first <= *last)
            return {static_cast<std::uint16_t>(*first), *last - *first + 1};
    }
    throw wrong_option("--ports: '" + text + "': FIRST-LAST is wanted, of 1 to 65535, or how many ports");
}

void check(const relay_options& o) {
    if (o.listen.empty() && o.tls_listen.empty())
        throw wrong_option("nothing to listen on: --listen ADDRESS:PORT, or --tls-listen ADDRESS:PORT");
    if (!o.tls_listen.empty() && (o.certificate.empty() || o.key.empty()))
        throw wrong_option("--tls-listen needs --certificate FILE and --key FILE");
    if (o.relay_address.empty())
        throw wrong_option("no --relay-address: the address of this machine that peers talk to");
    if (o.relay_address.size() > 2) throw wrong_option("--relay-address: one for each family, not more");
    if (o.external_address.size() > o.relay_address.size())
        throw wrong_option("--external-address: at most one for each --relay-address, in the same order");
    if (o.users.empty() && o.rest_secret.empty())
        throw wrong_option("nobody could use it: --user NAME:PASSWORD, or --rest-secret SECRET");
    for (const auto& user : o.users) {
        const auto colon = user.find(':');
        if (colon == std::string::npos || colon == 0 || colon + 1 == user.size())
            throw wrong_option("--user: NAME:PASSWORD is wanted, both not empty, and not '" + user.substr(0, colon) +
                               "'");
    }
    if (o.realm.empty() || o.realm.size() > 127) throw wrong_option("--realm: of 1 to 127 bytes");
    if (o.stream_grace == 0) throw wrong_option("--stream-grace: 0 leaves nobody the time to allocate: 1 s or more");
    if (o.max_lifetime < o.limit.default_lifetime.count())
        throw wrong_option("--max-lifetime: " + std::to_string(o.max_lifetime) + " s is below the " +
                           std::to_string(o.limit.default_lifetime.count()) + " s that every allocation may have");
}

}  // namespace relay
