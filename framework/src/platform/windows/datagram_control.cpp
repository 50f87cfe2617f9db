// Ancillary data on Windows; see include/berth/detail/datagram_control.hpp.
#include <berth/detail/datagram_control.hpp>

#include "platform/windows/winsock.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace berth::detail {
namespace {

using platform::as_socket;

// Since Windows 10 2004, and in no header of mingw-w64's.
constexpr int udp_send_msg_size = 2, udp_recv_max_coalesced_size = 3, udp_coalesced_info = 3;
constexpr int ip_receive_ecn_and_class = 40, ip_traffic_class = 39;  // IP_RECVTCLASS and IP_TCLASS, both families

template <class T>
bool set(native_value socket, int level, int name, T value, int& error) noexcept {
    set_option_native(socket, level, name, &value, sizeof value, error);
    return error == 0;
}

template <class T>
T value_of(const WSACMSGHDR& head) noexcept {
    T value{};
    const std::size_t there = head.cmsg_len - WSA_CMSG_LEN(0);
    std::memcpy(&value, WSA_CMSG_DATA(&head), std::min(there, sizeof value));
    return value;
}

void read_one(const WSACMSGHDR& head, datagram_control& out) noexcept {
    if (head.cmsg_level == IPPROTO_IP && head.cmsg_type == IP_PKTINFO) {
        const auto info = value_of<IN_PKTINFO>(head);
        out.family = 4;
        std::memcpy(out.destination.data(), &info.ipi_addr, 4);
        out.interface_index = static_cast<std::uint32_t>(info.ipi_ifindex);
    } else if (head.cmsg_level == IPPROTO_IPV6 && head.cmsg_type == IPV6_PKTINFO) {
        const auto info = value_of<IN6_PKTINFO>(head);
        out.family = 6;
        std::memcpy(out.destination.data(), &info.ipi6_addr, 16);
        out.interface_index = static_cast<std::uint32_t>(info.ipi6_ifindex);
    } else if ((head.cmsg_level == IPPROTO_IP || head.cmsg_level == IPPROTO_IPV6) &&
               head.cmsg_type == ip_traffic_class) {
        out.traffic_class = static_cast<std::uint8_t>(value_of<INT>(head));
    } else if (head.cmsg_level == IPPROTO_UDP && head.cmsg_type == udp_coalesced_info) {
        out.segment_size = static_cast<std::uint16_t>(value_of<DWORD>(head));
    }
}

}  // namespace

// A dual-stack socket says the destination of IPv4 datagrams in IPv4's form, if it is asked in both.
void ask_for_control(native_value socket, bool destination, bool traffic_class, bool segments, int& error) noexcept {
    error = 0;
    WSAPROTOCOL_INFOW facts{};
    std::size_t size = sizeof facts;
    get_option_native(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, &facts, &size, error);
    if (error != 0) return;
    const bool is_ipv6 = facts.iAddressFamily == AF_INET6;
    const int level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const DWORD on = 1;
    if (destination && !set(socket, level, is_ipv6 ? IPV6_PKTINFO : IP_PKTINFO, on, error)) return;
    int ignored = 0;
    if (destination && is_ipv6) set(socket, IPPROTO_IP, IP_PKTINFO, on, ignored);
    if (traffic_class && !set(socket, level, ip_receive_ecn_and_class, on, error)) return;
    if (traffic_class && is_ipv6) set(socket, IPPROTO_IP, ip_receive_ecn_and_class, on, ignored);
    if (segments) set(socket, IPPROTO_UDP, udp_recv_max_coalesced_size, DWORD{0xffff}, error);
}

datagram_control read_control(const void* control, std::size_t size) noexcept {
    datagram_control out;
    alignas(WSACMSGHDR) std::array<char, 256> aligned;  // twice what is asked for
    size = std::min(size, aligned.size());
    std::memcpy(aligned.data(), control, size);
    WSAMSG message{};
    message.Control = {static_cast<ULONG>(size), aligned.data()};
    for (WSACMSGHDR* head = WSA_CMSG_FIRSTHDR(&message); head != nullptr; head = WSA_CMSG_NXTHDR(&message, head))
        read_one(*head, out);
    return out;
}

std::uint32_t write_segment_size(void* room, std::uint16_t size) noexcept {
    const DWORD value = size;
    WSAMSG message{};
    message.Control = {static_cast<ULONG>(WSA_CMSG_SPACE(sizeof value)), static_cast<CHAR*>(room)};
    std::memset(room, 0, message.Control.len);
    WSACMSGHDR& head = *WSA_CMSG_FIRSTHDR(&message);
    head.cmsg_level = IPPROTO_UDP;
    head.cmsg_type = udp_send_msg_size;
    head.cmsg_len = WSA_CMSG_LEN(sizeof value);
    std::memcpy(WSA_CMSG_DATA(&head), &value, sizeof value);
    return static_cast<std::uint32_t>(message.Control.len);
}

// Systems that do not know segments may pass over what asks for them, and send one datagram of all the bytes.
bool may_cut_datagrams() noexcept {
    static const bool knows = [] {
        int error = 0;
        const native_value socket = open_native(AF_INET, SOCK_DGRAM, IPPROTO_UDP, error);
        if (error != 0) return false;
        DWORD value = 0;
        std::size_t size = sizeof value;
        get_option_native(socket, IPPROTO_UDP, udp_send_msg_size, &value, &size, error);
        int ignored = 0;
        close_native(socket, ignored);
        return error == 0;
    }();
    return knows;
}

bool refuses_segments(int error) noexcept {
    return error == WSAEINVAL || error == WSAEOPNOTSUPP || error == WSAENOPROTOOPT;
}

bool is_truncated(int flags) noexcept { return (flags & MSG_TRUNC) != 0; }

}  // namespace berth::detail
