// What a caller's descriptor is, and whether anybody still names a socket.
#include "platform/linux/descriptor_scan.hpp"
#include "platform/linux/linux_provider.hpp"
#include "platform/linux/os_failure.hpp"
#include "platform/linux/socket_options.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace berth::platform {
error_code linux_provider::inspect(native_socket socket, socket_facts& out) noexcept {
    const int fd = static_cast<int>(socket);
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (const int r = os_.getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size); r < 0) {
        return r == -EBADF || r == -ENOTSOCK ? errc::not_a_socket : code_of(r);
    }
    int protocol = 0, type = 0;
    if (const int r = get_option(os_, fd, SOL_SOCKET, SO_PROTOCOL, protocol); r < 0) return code_of(r);
    if (const int r = get_option(os_, fd, SOL_SOCKET, SO_TYPE, type); r < 0) return code_of(r);
    const bool is_ip = name.ss_family == AF_INET || name.ss_family == AF_INET6;
    out.is_tcp = protocol == IPPROTO_TCP && type == SOCK_STREAM;
    const bool is_udp = protocol == IPPROTO_UDP && type == SOCK_DGRAM;  // a raw socket has the protocol, not the type
    if (!is_ip || (!out.is_tcp && !is_udp)) return errc::operation_not_supported;
    out.is_ipv6 = name.ss_family == AF_INET6;
    out.is_bound = reinterpret_cast<const sockaddr_in&>(name).sin_port != 0;  // same place in both families
    if (const int r = cookie_of(os_, fd, out.cookie); r < 0) return code_of(r);
    int only = 0;
    if (out.is_ipv6 && get_option(os_, fd, IPPROTO_IPV6, IPV6_V6ONLY, only) >= 0) out.is_ipv6_only = only != 0;
    socklen_t cookie_size = sizeof out.network;
    const int r = os_.getsockopt(fd, SOL_SOCKET, option_netns_cookie, &out.network, &cookie_size);
    if (r < 0 && r != -ENOPROTOOPT) return code_of(r);  // closed meanwhile, perhaps
    if (r < 0) out.network = 0;                         // before Linux 5.14
    return {};
}

error_code linux_provider::recognise(native_socket socket, socket_facts& out) noexcept {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    int r = os_.getsockname(static_cast<int>(socket), reinterpret_cast<sockaddr*>(&name), &size);
    if (r >= 0) r = cookie_of(os_, static_cast<int>(socket), out.cookie);
    if (r < 0) return r == -EBADF || r == -ENOTSOCK ? errc::not_a_socket : code_of(r);
    out.is_bound = reinterpret_cast<const sockaddr_in&>(name).sin_port != 0;
    return {};
}

std::uint64_t linux_provider::inode_of(native_socket socket) noexcept {
    struct stat status {};
    return os_.fstat(static_cast<int>(socket), status) < 0 ? 0 : status.st_ino;
}

bool linux_provider::is_named(std::uint64_t inode, native_socket& hint, native_socket not_counted) noexcept {
    // What cannot be looked at may be it.
    const auto may_be = [&](int fd) {
        struct stat status {};
        const int r = os_.fstat(fd, status);
        return r < 0 ? r != -EBADF : status.st_ino == inode;
    };
    if (hint != not_counted && may_be(static_cast<int>(hint))) return true;
    std::vector<int> open;
    if (os_.list_descriptors(open) < 0) return true;
    for (const int fd : open) {
        if (fd == not_counted || !may_be(fd)) continue;
        hint = fd;
        return true;
    }
    return false;
}

void linux_provider::find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) {
    std::vector<named_by> names;
    const bool in_doubt = scan_descriptors(os_, {}, inodes, names) < 0;
    named.assign(inodes.size(), in_doubt);
    for (std::size_t i = 0; !in_doubt && i < names.size(); ++i) named[i] = names[i] == named_by::descriptor;
}

error_code linux_provider::close(native_socket socket) noexcept {
    const int r = os_.close(static_cast<int>(socket));
    return r < 0 ? code_of(r) : error_code();
}

}  // namespace berth::platform
