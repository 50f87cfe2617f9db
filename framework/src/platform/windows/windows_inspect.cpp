// What a caller's socket is, who names it, and which ports a wildcard block leaves alone; see windows_provider.hpp.
#include "platform/windows/windows_provider.hpp"
#include "platform/windows/winsock_address.hpp"
#include "platform/windows/winsock_failure.hpp"

namespace berth::platform {
namespace {

// An unbound socket has no name on Windows, and that is said by an error.
error_code see_if_bound(windows_calls& os, native_socket socket, bool& is_bound) noexcept {
    std::uint16_t port = 0;
    const int r = local_port(os, socket, port);
    is_bound = port != 0;
    return r >= 0 || r == -WSAEINVAL ? error_code() : code_of(r);
}

class windows_survey final : public port_survey {
public:
    windows_survey(windows_calls& os, socket_identities& identities, bool tcp)
        : os_(os), identities_(identities), tcp_(tcp) {}

    // Advice only. The range that is given out to whoever asks for no port in particular can be changed (netsh), and
    // no function tells; this is the one that Windows comes with.
    bool look(port_map& out) override {
        std::vector<table_row> rows;
        os_.read_table(tcp_, rows);
        for (const auto& row : rows) out.used[row.port] = true;
        identities_.mark_blocks(tcp_, out.used);
        for (std::uint32_t port = 0; port < 1024; ++port) out.avoid[port] = true;
        for (std::uint32_t port = 49152; port < 65536; ++port) out.avoid[port] = true;
        return false;
    }

private:
    windows_calls& os_;
    socket_identities& identities_;
    const bool tcp_;
};

}  // namespace

error_code windows_provider::inspect(native_socket socket, socket_facts& out) noexcept {
    out = {};
    if (const auto ec = see_if_bound(os_, socket, out.is_bound)) return ec;
    WSAPROTOCOL_INFOW kind{};
    int size = sizeof kind;
    if (const int r = os_.getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, &kind, &size); r < 0) return code_of(r);
    const bool is_ip = kind.iAddressFamily == AF_INET || kind.iAddressFamily == AF_INET6;
    out.is_tcp = kind.iProtocol == IPPROTO_TCP && kind.iSocketType == SOCK_STREAM;
    const bool is_udp = kind.iProtocol == IPPROTO_UDP && kind.iSocketType == SOCK_DGRAM;
    if (!is_ip || (!out.is_tcp && !is_udp)) return errc::operation_not_supported;
    out.is_ipv6 = kind.iAddressFamily == AF_INET6;
    out.is_ipv6_only = out.is_ipv6 && get_flag(os_, socket, IPPROTO_IPV6, IPV6_V6ONLY) == 1;
    out.network = os_.network_compartment();
    out.cookie = identities_.cookie_of(socket, !out.is_bound);
    return out.cookie == 0 && !out.is_bound ? error_code(errc::no_memory) : error_code();
}

error_code windows_provider::recognise(native_socket socket, socket_facts& out) noexcept {
    if (const auto ec = see_if_bound(os_, socket, out.is_bound)) return ec;
    out.cookie = identities_.cookie_of(socket, false);
    if (out.cookie == 0 && !out.is_bound) return inspect(socket, out);
    return {};
}

std::uint64_t windows_provider::inode_of(native_socket socket) noexcept {
    bool ignored = false;
    if (see_if_bound(os_, socket, ignored)) return 0;
    return identities_.cookie_of(socket, true);
}

bool windows_provider::is_named(std::uint64_t inode, native_socket&, native_socket not_counted) noexcept {
    return identities_.count_others(inode, not_counted) != 0;
}

void windows_provider::find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) {
    named.clear();
    for (const auto inode : inodes) named.push_back(identities_.count_others(inode, -1) != 0);
}

error_code windows_provider::close(native_socket socket) noexcept {
    const int r = os_.close(socket);
    identities_.sweep();  // the entry's handle would keep the socket
    return r < 0 ? code_of(r) : error_code();
}

std::unique_ptr<port_survey> windows_provider::begin_survey(port_kind kind) {
    return std::make_unique<windows_survey>(os_, identities_, kind != port_kind::udp);
}

// The document's row for an unknown token, a foreign one and a wrong kind of socket is one and the same.
error_code windows_provider::associate_drawn(native_socket socket, std::uint64_t token) noexcept {
    const INET_PORT_RESERVATION_TOKEN given{token};
    DWORD returned = 0;
    const int r =
        os_.ioctl(socket, SIO_ASSOCIATE_PORT_RESERVATION, &given, sizeof given, nullptr, 0, returned, nullptr);
    if (r >= 0) return {};
    // Where the system has no reservations it has no tokens either.
    return r == -WSAEINVAL || r == -WSAEOPNOTSUPP ? error_code(errc::invalid_token) : code_of(r);
}

void windows_provider::bind_drawn(native_socket socket, const asio::ip::address& address, std::uint16_t port,
                                  failure& f) {
    sockaddr_storage name;
    const int known = os_.getsockname(socket, name);  // an unbound one's family is not told
    WSAPROTOCOL_INFOW facts{};
    int size = sizeof facts;
    const int r = os_.getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, &facts, &size);
    const int family = r >= 0 ? facts.iAddressFamily : known >= 0 ? name.ss_family : AF_INET;
    const auto to = make_address(family, address, port);
    if (const int bound = os_.bind(socket, to.data(), to.size); bound < 0) {
        const bool may_be_full = bound == -WSAEADDRINUSE && port == 0;
        f = {may_be_full ? error_code(errc::block_exhausted) : code_of(bound),
             "the system does not bind the socket to " + address.to_string() + " and a port of the persistent block" +
                 (port == 0 ? "" : ", " + std::to_string(port)) + ": " + name_of_error(bound) +
                 "; ask for port 0 and for no address, and with the family of the socket",
             0, port};
        return;
    }
    identities_.forget(socket);  // whose handle would keep the port after the caller's close
}

}  // namespace berth::platform
