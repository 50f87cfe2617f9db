// See socks.hpp.
#include "socks.hpp"

#include "octet_reader.hpp"

#include <algorithm>

namespace outbound_proxy {
namespace {

enum address_type : std::uint8_t { ipv4 = 1, name = 3, ipv6 = 4 };
constexpr std::uint8_t password_version = 1;

constexpr int number(socks_reply reply) noexcept { return static_cast<int>(reply); }

/// ATYP, address and port, which requests and datagrams have alike.
parsed read_destination(octet_reader& in, destination& to) {
    if (!in.has(1)) return {};
    switch (in.octet()) {
        case ipv4:
            if (!in.has(4 + 2)) return {};
            to.address = in.address4();
            break;
        case ipv6:
            if (!in.has(16 + 2)) return {};
            to.address = in.address6();
            break;
        case name: {
            if (!in.has(1)) return {};
            const std::size_t size = in.octet();
            if (size == 0) return parsed::wrong("a name of no characters", number(socks_reply::general_failure));
            if (!in.has(size + 2)) return {};
            if (!read_host(in.text(size), to))
                return parsed::wrong("neither a name nor an address", number(socks_reply::host_unreachable));
            break;
        }
        default:
            return parsed::wrong("an address type that RFC 1928 does not have",
                                 number(socks_reply::address_type_not_supported));
    }
    to.port = in.number16();
    return parsed::whole(in.position());
}

void append(socks_message& out, std::uint8_t octet) noexcept { out.data[out.size++] = octet; }

void append(socks_message& out, const asio::ip::address& address, std::uint16_t port) noexcept {
    const auto put = [&out](address_type type, const auto& bytes) {
        append(out, type);
        std::copy(bytes.begin(), bytes.end(), out.data.begin() + static_cast<std::ptrdiff_t>(out.size));
        out.size += bytes.size();
    };
    if (address.is_v6() && !address.to_v6().is_v4_mapped()) {
        put(ipv6, address.to_v6().to_bytes());
    } else {
        put(ipv4, address.is_v4() ? address.to_v4().to_bytes()
                                  : asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_bytes());
    }
    append(out, static_cast<std::uint8_t>(port >> 8));
    append(out, static_cast<std::uint8_t>(port & 0xff));
}

}  // namespace

parsed parse(octets bytes, socks_greeting& out) {
    octet_reader in(bytes);
    if (!in.has(1)) return {};
    if (in.octet() != socks_version) return parsed::wrong("not version 5");
    if (!in.has(1)) return {};
    const std::size_t count = in.octet();
    if (count == 0) return parsed::wrong("no authentication method offered");
    if (!in.has(count)) return {};
    out = {};
    for (const std::uint8_t method : in.take(count)) {
        if (method == static_cast<std::uint8_t>(socks_method::none)) out.offers_none = true;
        if (method == static_cast<std::uint8_t>(socks_method::password)) out.offers_password = true;
    }
    return parsed::whole(in.position());
}

parsed parse(octets bytes, socks_credentials& out) {
    octet_reader in(bytes);
    if (!in.has(1)) return {};
    if (in.octet() != password_version) return parsed::wrong("not version 1 of the user/password messages");
    for (std::string* part : {&out.name, &out.password}) {
        if (!in.has(1)) return {};
        const std::size_t size = in.octet();
        if (size == 0) return parsed::wrong("an empty user name or password");
        if (!in.has(size)) return {};
        part->assign(in.text(size));
    }
    return parsed::whole(in.position());
}

parsed parse(octets bytes, socks_request& out) {
    octet_reader in(bytes);
    const int failed = number(socks_reply::general_failure);
    if (!in.has(1)) return {};
    if (in.octet() != socks_version) return parsed::wrong("not version 5", failed);
    if (!in.has(1)) return {};
    const std::uint8_t command = in.octet();
    if (command < 1 || command > 3)
        return parsed::wrong("a command that RFC 1928 does not have", number(socks_reply::command_not_supported));
    if (!in.has(1)) return {};
    if (in.octet() != 0) return parsed::wrong("the reserved octet is not zero", failed);
    out = {};
    out.command = static_cast<socks_command>(command);
    return read_destination(in, out.to);
}

parsed parse(octets bytes, socks_datagram& out) {
    octet_reader in(bytes);
    if (!in.has(3)) return {};
    if (in.number16() != 0) return parsed::wrong("the reserved octets are not zero");
    out = {};
    out.fragment = in.octet();
    return read_destination(in, out.to);
}

socks_message method_message(socks_method method) noexcept {
    return {{socks_version, static_cast<std::uint8_t>(method)}, 2};
}

socks_message verdict_message(bool welcome) noexcept {
    return {{password_version, static_cast<std::uint8_t>(welcome ? 0 : 1)}, 2};
}

socks_message reply_message(socks_reply reply, const asio::ip::address& bound, std::uint16_t port) noexcept {
    socks_message out{{socks_version, static_cast<std::uint8_t>(reply), 0}, 3};
    append(out, bound, port);
    return out;
}

socks_message datagram_header(const asio::ip::udp::endpoint& source) noexcept {
    socks_message out{{0, 0, 0}, 3};
    append(out, source.address(), source.port());
    return out;
}

}  // namespace outbound_proxy
