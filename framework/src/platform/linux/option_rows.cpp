// The rows of option_table.hpp. Numbers that this machine's headers may lack are named here, as the kernel's uapi has
// them (the same on every architecture that has them at all).
#include "platform/linux/option_table.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace berth::platform {
namespace {

namespace uapi {
constexpr int so_txtime = 61, so_bindtoifindex = 62, so_prefer_busy_poll = 69, so_busy_poll_budget = 70;
constexpr int so_buf_lock = 72, so_reserve_mem = 73, so_txrehash = 74, so_rcvmark = 75, so_rcvpriority = 82;
constexpr int ip_recverr_rfc4884 = 26, ip_local_port_range = 51;
constexpr int ipv6_multicast_all = 29, ipv6_recverr_rfc4884 = 31, ipv6_flowinfo_send = 33;
constexpr int tcp_inq = 36, tcp_tx_delay = 37, tcp_rto_max_ms = 44, tcp_rto_min_us = 45, tcp_delack_max_us = 46;
constexpr int udp_segment = 103, udp_gro = 104;
}  // namespace uapi

constexpr int sock = SOL_SOCKET, ip = IPPROTO_IP, ip6 = IPPROTO_IPV6, tcp = IPPROTO_TCP, udp = IPPROTO_UDP;
constexpr auto v4 = speaks_ipv4, v6 = speaks_ipv6, any = speaks_any;
constexpr std::uint8_t flow = for_udp | for_connect;  // what only matters to who sends by itself
constexpr auto back = undo::set_back, settle = undo::settle, blind = undo::clear_blind, condemn = undo::condemn,
               leave = undo::leave;
constexpr auto over = carry::over, refuse = carry::refuse, ignore = carry::ignore;

// clang-format off
constexpr option_row rows[] = {
    // What stops a lending at once comes first.
    {sock, SO_ATTACH_FILTER, "SO_ATTACH_FILTER", 0, for_all, any, condemn, refuse},
    {sock, SO_LOCK_FILTER, "SO_LOCK_FILTER", 4, for_all, any, condemn, refuse},
    {sock, SO_ACCEPTCONN, "SO_ACCEPTCONN", 4, for_tcp, any, condemn, ignore},
    {sock, uapi::so_txtime, "SO_TXTIME", 8, for_udp, any, condemn, refuse},
    {sock, uapi::so_bindtoifindex, "SO_BINDTODEVICE", 4, for_all, any, back, refuse},
    {sock, SO_REUSEADDR, "SO_REUSEADDR", 4, for_all, any, back, ignore},
    {sock, SO_REUSEPORT, "SO_REUSEPORT", 4, for_udp, any, condemn, refuse},  // somebody may have joined it
    {sock, SO_REUSEPORT, "SO_REUSEPORT", 4, for_tcp, any, back, refuse},

    {ip, IP_TOS, "IP_TOS", 4, for_all, v4, back, over},
    {ip, IP_TTL, "IP_TTL", 4, for_all, v4, back, over, -1},
    {ip, IP_OPTIONS, "IP_OPTIONS", 40, for_all, v4, back, refuse},
    {ip, IP_MTU_DISCOVER, "IP_MTU_DISCOVER", 4, for_all, v4, back, over},
    {ip, IP_RECVERR, "IP_RECVERR", 4, for_all, v4, back, over},
    {ip, IP_FREEBIND, "IP_FREEBIND", 4, for_all, any, back, over},
    {ip, IP_TRANSPARENT, "IP_TRANSPARENT", 4, for_all, any, back, refuse},
    {ip, IP_MINTTL, "IP_MINTTL", 4, for_tcp, v4, back, refuse},
    {ip, IP_BIND_ADDRESS_NO_PORT, "IP_BIND_ADDRESS_NO_PORT", 4, for_all, any, leave, ignore},
    {ip, uapi::ip_local_port_range, "IP_LOCAL_PORT_RANGE", 4, for_all, any, leave, refuse},
    {ip, IP_UNICAST_IF, "IP_UNICAST_IF", 4, flow, v4, back, over},
    {ip, IP_PKTINFO, "IP_PKTINFO", 4, for_udp, v4, back, over},
    {ip, IP_RECVTTL, "IP_RECVTTL", 4, for_udp, v4, back, over},
    {ip, IP_RECVTOS, "IP_RECVTOS", 4, for_udp, v4, back, over},
    {ip, IP_RECVOPTS, "IP_RECVOPTS", 4, for_udp, v4, back, over},
    {ip, IP_RETOPTS, "IP_RETOPTS", 4, for_udp, v4, back, over},
    {ip, IP_PASSSEC, "IP_PASSSEC", 4, for_udp, v4, back, over},
    {ip, IP_RECVORIGDSTADDR, "IP_RECVORIGDSTADDR", 4, for_udp, v4, back, over},
    {ip, IP_CHECKSUM, "IP_CHECKSUM", 4, for_udp, v4, back, over},
    {ip, IP_RECVFRAGSIZE, "IP_RECVFRAGSIZE", 4, for_udp, v4, back, over},
    {ip, uapi::ip_recverr_rfc4884, "IP_RECVERR_RFC4884", 4, for_udp, v4, back, over},
    {ip, IP_MULTICAST_IF, "IP_MULTICAST_IF", 4, for_udp, v4, blind, over},
    {ip, IP_MULTICAST_TTL, "IP_MULTICAST_TTL", 4, for_udp, v4, back, over, -1},
    {ip, IP_MULTICAST_LOOP, "IP_MULTICAST_LOOP", 4, for_udp, v4, back, over},
    {ip, IP_MULTICAST_ALL, "IP_MULTICAST_ALL", 4, for_udp, v4, back, over},

    {ip6, IPV6_TCLASS, "IPV6_TCLASS", 4, for_all, v6, back, over, -1},
    {ip6, IPV6_UNICAST_HOPS, "IPV6_UNICAST_HOPS", 4, for_all, v6, back, over, -1},
    {ip6, IPV6_MTU_DISCOVER, "IPV6_MTU_DISCOVER", 4, for_all, v6, back, over},
    {ip6, IPV6_RECVERR, "IPV6_RECVERR", 4, for_all, v6, back, over},
    {ip6, IPV6_MINHOPCOUNT, "IPV6_MINHOPCOUNT", 4, for_tcp, v6, back, refuse},
    {ip6, IPV6_DONTFRAG, "IPV6_DONTFRAG", 4, for_udp, v6, back, over},
    {ip6, IPV6_AUTOFLOWLABEL, "IPV6_AUTOFLOWLABEL", 4, for_all, v6, back, over},
    {ip6, uapi::ipv6_flowinfo_send, "IPV6_FLOWINFO_SEND", 4, flow, v6, back, refuse},
    {ip6, IPV6_ADDR_PREFERENCES, "IPV6_ADDR_PREFERENCES", 4, flow, v6, back, over},
    {ip6, IPV6_UNICAST_IF, "IPV6_UNICAST_IF", 4, flow, v6, back, over},
    {ip6, IPV6_PKTINFO, "IPV6_PKTINFO", 20, flow, v6, blind, ignore},
    {ip6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO", 4, for_udp, v6, back, over},
    {ip6, IPV6_RECVHOPLIMIT, "IPV6_RECVHOPLIMIT", 4, for_udp, v6, back, over},
    {ip6, IPV6_RECVTCLASS, "IPV6_RECVTCLASS", 4, for_udp, v6, back, over},
    {ip6, IPV6_RECVHOPOPTS, "IPV6_RECVHOPOPTS", 4, for_udp, v6, back, over},
    {ip6, IPV6_RECVRTHDR, "IPV6_RECVRTHDR", 4, for_udp, v6, back, over},
    {ip6, IPV6_RECVDSTOPTS, "IPV6_RECVDSTOPTS", 4, for_udp, v6, back, over},
    {ip6, IPV6_RECVPATHMTU, "IPV6_RECVPATHMTU", 4, for_udp, v6, back, over},
    {ip6, IPV6_ORIGDSTADDR, "IPV6_RECVORIGDSTADDR", 4, for_udp, v6, back, over},
    {ip6, IPV6_RECVFRAGSIZE, "IPV6_RECVFRAGSIZE", 4, for_udp, v6, back, over},
    {ip6, uapi::ipv6_recverr_rfc4884, "IPV6_RECVERR_RFC4884", 4, for_udp, v6, back, over},
    {ip6, IPV6_MULTICAST_IF, "IPV6_MULTICAST_IF", 4, for_udp, v6, back, over},
    {ip6, IPV6_MULTICAST_HOPS, "IPV6_MULTICAST_HOPS", 4, for_udp, v6, back, over, -1},
    {ip6, IPV6_MULTICAST_LOOP, "IPV6_MULTICAST_LOOP", 4, for_udp, v6, back, over},
    {ip6, uapi::ipv6_multicast_all, "IPV6_MULTICAST_ALL", 4, for_udp, v6, back, over},

    {sock, SO_PRIORITY, "SO_PRIORITY", 4, for_all, any, back, over},
    {sock, SO_MARK, "SO_MARK", 4, for_all, any, back, over},
    {sock, SO_BROADCAST, "SO_BROADCAST", 4, for_udp, any, back, over},
    {sock, SO_DONTROUTE, "SO_DONTROUTE", 4, for_all, any, back, over},
    {sock, SO_NO_CHECK, "SO_NO_CHECK", 4, for_udp, any, back, over},
    {sock, SO_KEEPALIVE, "SO_KEEPALIVE", 4, for_tcp, any, back, over},
    {sock, SO_OOBINLINE, "SO_OOBINLINE", 4, for_tcp, any, back, over},
    {sock, SO_LINGER, "SO_LINGER", sizeof(linger), for_tcp, any, back, over},
    {sock, SO_RCVLOWAT, "SO_RCVLOWAT", 4, for_tcp, any, back, over},
    {sock, SO_RCVTIMEO, "SO_RCVTIMEO", sizeof(timeval), for_all, any, back, over},
    {sock, SO_SNDTIMEO, "SO_SNDTIMEO", sizeof(timeval), for_all, any, back, over},
    {sock, SO_TIMESTAMP, "SO_TIMESTAMP", 4, for_all, any, blind, over},
    {sock, SO_TIMESTAMPNS, "SO_TIMESTAMPNS", 4, for_all, any, leave, over},
    {sock, SO_TIMESTAMPING, "SO_TIMESTAMPING", 4, for_all, any, blind, over},
    {sock, SO_RXQ_OVFL, "SO_RXQ_OVFL", 4, for_udp, any, back, over},
    {sock, SO_PEEK_OFF, "SO_PEEK_OFF", 4, flow, any, back, over},
    {sock, SO_SELECT_ERR_QUEUE, "SO_SELECT_ERR_QUEUE", 4, for_all, any, back, over},
    {sock, SO_BUSY_POLL, "SO_BUSY_POLL", 4, for_all, any, back, over},
    {sock, uapi::so_prefer_busy_poll, "SO_PREFER_BUSY_POLL", 4, for_all, any, back, over},
    {sock, uapi::so_busy_poll_budget, "SO_BUSY_POLL_BUDGET", 4, for_all, any, leave, ignore},
    {sock, SO_MAX_PACING_RATE, "SO_MAX_PACING_RATE", sizeof(long), for_all, any, back, over},
    {sock, SO_INCOMING_CPU, "SO_INCOMING_CPU", 4, for_all, any, leave, ignore},
    {sock, SO_ZEROCOPY, "SO_ZEROCOPY", 4, for_all, any, back, over},
    {sock, uapi::so_reserve_mem, "SO_RESERVE_MEM", 4, for_tcp, any, back, refuse},
    {sock, uapi::so_txrehash, "SO_TXREHASH", 4, for_tcp, any, settle, over, -1},
    {sock, uapi::so_rcvmark, "SO_RCVMARK", 4, for_udp, any, back, over},
    {sock, uapi::so_rcvpriority, "SO_RCVPRIORITY", 4, for_udp, any, back, over},
    {sock, uapi::so_buf_lock, "SO_BUF_LOCK", 4, for_all, any, back, over},

    {udp, UDP_CORK, "UDP_CORK", 4, for_udp, any, back, over},
    {udp, UDP_ENCAP, "UDP_ENCAP", 4, for_udp, any, condemn, refuse},
    {udp, UDP_NO_CHECK6_TX, "UDP_NO_CHECK6_TX", 4, for_udp, v6, back, over},
    {udp, UDP_NO_CHECK6_RX, "UDP_NO_CHECK6_RX", 4, for_udp, v6, back, over},
    {udp, uapi::udp_segment, "UDP_SEGMENT", 4, for_udp, any, back, over},
    {udp, uapi::udp_gro, "UDP_GRO", 4, for_udp, any, back, over},

    {tcp, TCP_ULP, "TCP_ULP", 16, for_tcp, any, condemn, refuse},
    {tcp, TCP_REPAIR, "TCP_REPAIR", 4, for_connect, any, condemn, refuse},
    {tcp, TCP_NODELAY, "TCP_NODELAY", 4, for_tcp, any, back, over},
    {tcp, TCP_CORK, "TCP_CORK", 4, for_tcp, any, back, over},
    {tcp, TCP_MAXSEG, "TCP_MAXSEG", 4, for_tcp, any, settle, over, 0},
    {tcp, TCP_KEEPIDLE, "TCP_KEEPIDLE", 4, for_tcp, any, back, over},
    {tcp, TCP_KEEPINTVL, "TCP_KEEPINTVL", 4, for_tcp, any, back, over},
    {tcp, TCP_KEEPCNT, "TCP_KEEPCNT", 4, for_tcp, any, back, over},
    {tcp, TCP_SYNCNT, "TCP_SYNCNT", 4, for_tcp, any, back, over},
    {tcp, TCP_LINGER2, "TCP_LINGER2", 4, for_tcp, any, back, over},
    {tcp, TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT", 4, for_tcp, any, back, over},
    {tcp, TCP_WINDOW_CLAMP, "TCP_WINDOW_CLAMP", 4, for_tcp, any, back, over},
    {tcp, TCP_QUICKACK, "TCP_QUICKACK", 4, for_tcp, any, settle, ignore},
    {tcp, TCP_CONGESTION, "TCP_CONGESTION", 16, for_tcp, any, back, over},
    {tcp, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT", 4, for_tcp, any, back, over},
    {tcp, TCP_FASTOPEN, "TCP_FASTOPEN", 4, for_listen, any, back, over},
    {tcp, TCP_FASTOPEN_CONNECT, "TCP_FASTOPEN_CONNECT", 4, for_connect, any, back, over},
    {tcp, TCP_FASTOPEN_NO_COOKIE, "TCP_FASTOPEN_NO_COOKIE", 4, for_tcp, any, back, over},
    {tcp, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT", 4, for_tcp, any, back, over},
    {tcp, TCP_SAVE_SYN, "TCP_SAVE_SYN", 4, for_listen, any, back, over},
    {tcp, TCP_THIN_LINEAR_TIMEOUTS, "TCP_THIN_LINEAR_TIMEOUTS", 4, for_tcp, any, back, over},
    {tcp, uapi::tcp_inq, "TCP_INQ", 4, for_tcp, any, back, over},
    {tcp, uapi::tcp_tx_delay, "TCP_TX_DELAY", 4, for_tcp, any, back, over},
    {tcp, uapi::tcp_rto_max_ms, "TCP_RTO_MAX_MS", 4, for_tcp, any, back, over},
    {tcp, uapi::tcp_rto_min_us, "TCP_RTO_MIN_US", 4, for_tcp, any, back, over},
    {tcp, uapi::tcp_delack_max_us, "TCP_DELACK_MAX_US", 4, for_tcp, any, back, over},
};
// clang-format on

}  // namespace

std::span<const option_row> option_table() noexcept { return rows; }

}  // namespace berth::platform
