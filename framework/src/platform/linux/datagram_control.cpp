// Ancillary data on Linux; see include/berth/detail/datagram_control.hpp.
#include <berth/detail/datagram_control.hpp>

#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace berth::detail {
namespace {

constexpr int udp_segment = 103, udp_gro = 104;  // linux/udp.h, which netinet/udp.h of Debian 12 does not know

bool turn_on(native_value socket, int level, int name, int& error) noexcept {
    const int on = 1;
    set_option_native(socket, level, name, &on, sizeof on, error);
    return error == 0;
}

template <class T>
T value_of(const cmsghdr& head) noexcept {
    T value{};
    const std::size_t there = head.cmsg_len - CMSG_LEN(0);
    std::memcpy(&value, CMSG_DATA(&head), there < sizeof value ? there : sizeof value);
    return value;
}

void read_one(const cmsghdr& head, datagram_control& out) noexcept {
    if (head.cmsg_level == IPPROTO_IP && head.cmsg_type == IP_PKTINFO) {
        const auto info = value_of<in_pktinfo>(head);
        out.family = 4;
        std::memcpy(out.destination.data(), &info.ipi_addr, 4);
        out.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
    } else if (head.cmsg_level == IPPROTO_IPV6 && head.cmsg_type == IPV6_PKTINFO) {
        const auto info = value_of<in6_pktinfo>(head);
        out.family = 6;
        std::memcpy(out.destination.data(), &info.ipi6_addr, 16);
        out.interface_index = info.ipi6_ifindex;
    } else if (head.cmsg_level == IPPROTO_IP && head.cmsg_type == IP_TOS) {
        out.traffic_class = value_of<std::uint8_t>(head);
    } else if (head.cmsg_level == IPPROTO_IPV6 && head.cmsg_type == IPV6_TCLASS) {
        out.traffic_class = static_cast<std::uint8_t>(value_of<int>(head));
    } else if (head.cmsg_level == IPPROTO_UDP && head.cmsg_type == udp_gro) {
        out.segment_size = static_cast<std::uint16_t>(value_of<int>(head));
    }
}

}  // namespace

// A dual-stack socket says the destination of IPv4 datagrams in IPv6's form, and their traffic class in IPv4's.
void ask_for_control(native_value socket, bool destination, bool traffic_class, bool segments, int& error) noexcept {
    int family = 0;
    std::size_t size = sizeof family;
    get_option_native(socket, SOL_SOCKET, SO_DOMAIN, &family, &size, error);
    if (error != 0) return;
    const bool is_ipv6 = family == AF_INET6;
    if (destination && !turn_on(socket, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, is_ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO,
                                error)) {
        return;
    }
    if (traffic_class && is_ipv6 && !turn_on(socket, IPPROTO_IPV6, IPV6_RECVTCLASS, error)) return;
    if (traffic_class && !turn_on(socket, IPPROTO_IP, IP_RECVTOS, error)) return;
    if (segments) turn_on(socket, IPPROTO_UDP, udp_gro, error);
}

// In a lent buffer it lies behind an address, anywhere.
datagram_control read_control(const void* control, std::size_t size) noexcept {
    datagram_control out;
    alignas(cmsghdr) std::array<std::byte, 256> aligned;  // twice what is asked for
    size = std::min(size, aligned.size());
    std::memcpy(aligned.data(), control, size);
    msghdr message{};
    message.msg_control = aligned.data();
    message.msg_controllen = size;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head))
        read_one(*head, out);
    return out;
}

std::uint32_t write_segment_size(void* room, std::uint16_t size) noexcept {
    msghdr message{};
    message.msg_control = room;
    message.msg_controllen = CMSG_SPACE(sizeof size);
    std::memset(room, 0, message.msg_controllen);
    cmsghdr& head = *CMSG_FIRSTHDR(&message);
    head.cmsg_level = IPPROTO_UDP;
    head.cmsg_type = udp_segment;
    head.cmsg_len = CMSG_LEN(sizeof size);
    std::memcpy(CMSG_DATA(&head), &size, sizeof size);
    return static_cast<std::uint32_t>(message.msg_controllen);
}

bool may_cut_datagrams() noexcept { return true; }  // a kernel or a socket that does not says so when it is asked

// EIO: the device computes no checksums; EINVAL: larger than what the way takes in one piece, or an old kernel.
bool refuses_segments(int error) noexcept { return error == EIO || error == EINVAL || error == EOPNOTSUPP; }

bool is_truncated(int flags) noexcept { return (flags & MSG_TRUNC) != 0; }

}  // namespace berth::detail
