// sock_diag dumps: one request a family, the port filter as inet_diag bytecode, rows gathered until NLMSG_DONE.
#include "platform/linux/socket_dump.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace berth::platform {
namespace {

constexpr std::uint32_t all_tcp_states = 0xfff;
constexpr std::uint32_t bound_only = 1u << 13;  // TCP_BOUND_INACTIVE
constexpr int try_again = 1;
constexpr int most_tries = 16;

struct dump_request {
    nlmsghdr header{};
    inet_diag_req_v2 question{};
    nlattr filter{};
    inet_diag_bc_op code[4]{};
};

// port >= first, then port <= last; a "no" jumps 4 bytes past the end, which the kernel takes as rejection.
dump_request make_request(bool is_tcp, int family, std::uint16_t first, std::uint16_t last, bool bound) {
    dump_request r;
    r.header.nlmsg_len = sizeof r;
    r.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    r.question.sdiag_family = static_cast<std::uint8_t>(family);
    r.question.sdiag_protocol = is_tcp ? IPPROTO_TCP : IPPROTO_UDP;
    r.question.idiag_states = all_tcp_states | (bound ? bound_only : 0);
    r.filter.nla_type = INET_DIAG_REQ_BYTECODE;
    r.filter.nla_len = sizeof r.filter + sizeof r.code;
    r.code[0] = {INET_DIAG_BC_S_GE, 2 * sizeof(inet_diag_bc_op), sizeof r.code + 4};
    r.code[1] = {0, 0, first};
    r.code[2] = {INET_DIAG_BC_S_LE, 2 * sizeof(inet_diag_bc_op), 2 * sizeof(inet_diag_bc_op) + 4};
    r.code[3] = {0, 0, last};
    return r;
}

socket_row to_row(const inet_diag_msg& m) {
    return {.port = ntohs(m.id.idiag_sport),
            .family = m.idiag_family,
            .state = m.idiag_state,
            .cookie = m.id.idiag_cookie[0] | std::uint64_t{m.id.idiag_cookie[1]} << 32,
            .uid = m.idiag_uid,
            .inode = m.idiag_inode,
            .interface = m.id.idiag_if};
}

constexpr int more = 2;

int error_in(const unsigned char* at, std::size_t size) {
    nlmsgerr e;
    if (size < NLMSG_LENGTH(sizeof e)) return -EBADMSG;
    std::memcpy(&e, at + NLMSG_HDRLEN, sizeof e);
    return e.error < 0 ? e.error : -EBADMSG;
}

// 0 at the end of the dump, more, try_again, or -errno.
int read_messages(const unsigned char* at, std::size_t left, bool& interrupted, std::vector<socket_row>& out) {
    while (left >= sizeof(nlmsghdr)) {
        nlmsghdr header;
        std::memcpy(&header, at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) return -EBADMSG;
        if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
        if (header.nlmsg_type == NLMSG_DONE) return interrupted ? try_again : 0;
        if (header.nlmsg_type == NLMSG_ERROR) return error_in(at, header.nlmsg_len);
        if (header.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return -EBADMSG;
        inet_diag_msg message;
        std::memcpy(&message, at + NLMSG_HDRLEN, sizeof message);
        out.push_back(to_row(message));
        const std::size_t step = NLMSG_ALIGN(header.nlmsg_len);
        if (step >= left) break;
        at += step, left -= step;
    }
    return more;
}

}  // namespace

bool is_remains(const socket_row& row) noexcept {
    switch (row.state) {
        case time_wait: return true;
        case syn_recv:
        case fin_wait1:
        case fin_wait2:
        case close_wait:
        case last_ack:
        case closing:
        case new_syn_recv: return row.inode == 0;
        default: return false;
    }
}

bool is_listed(const std::vector<socket_row>& rows, std::uint64_t cookie) noexcept {
    return std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.cookie == cookie; });
}

socket_dump::socket_dump(system_calls& calls, bool is_tcp, int family, std::uint16_t first, std::uint32_t count,
                         bool all_states_incl_bound)
    : calls_(calls),
      tcp_(is_tcp),
      family_(family),
      first_(first),
      last_(static_cast<std::uint16_t>(first + count - 1)),
      bound_(all_states_incl_bound),
      error_(count == 0 || std::uint32_t{first} + count > 65536 ? -EINVAL : 0) {}

socket_dump::~socket_dump() { close(); }

void socket_dump::close() noexcept {
    if (fd_ >= 0) calls_.close(fd_);
    fd_ = -1;
}

// A socket for each attempt: what an abandoned dump still had to say cannot get mixed into the next.
int socket_dump::ask() {
    interrupted_ = false;
    const int fd = calls_.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) return fd;
    fd_ = fd;
    constexpr int larger = 1 << 20;
    if (tries_ > 0) calls_.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &larger, sizeof larger);
    const dump_request request = make_request(tcp_, family_, first_, last_, bound_);
    const ssize_t sent = calls_.send(fd, &request, sizeof request, 0);
    return sent < 0 ? static_cast<int>(sent) : more;
}

int socket_dump::receive(std::vector<socket_row>& out) {
    if (buffer_.empty()) buffer_.resize(65536);
    const ssize_t got = calls_.recv(fd_, buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (got == -ENOBUFS) return try_again;
    if (got < 0) return static_cast<int>(got);
    if (static_cast<std::size_t>(got) > buffer_.size()) {
        buffer_.resize(static_cast<std::size_t>(got) * 2);
        return try_again;
    }
    return read_messages(buffer_.data(), static_cast<std::size_t>(got), interrupted_, out);
}

int socket_dump::read(std::vector<socket_row>& out) {
    if (error_ != 0) return error_;
    if (fd_ < 0 && tries_ == 0) start_ = out.size();
    int r = fd_ < 0 ? ask() : more;
    if (r == more) r = receive(out);
    if (r == more) return 1;
    close();
    if (r == try_again && ++tries_ < most_tries) return out.resize(start_), 1;
    // A kernel without IPv6 has no handler for it, and no sockets of it either.
    if (r == -ENOENT && family_ == AF_INET6) return 0;
    if (r != 0) out.resize(start_);
    return r == try_again ? -EAGAIN : r;
}

int dump_family(system_calls& calls, bool is_tcp, int family, std::uint16_t first, std::uint32_t count,
                std::vector<socket_row>& out, bool all_states_incl_bound) {
    socket_dump dump(calls, is_tcp, family, first, count, all_states_incl_bound);
    int r = 1;
    while (r > 0) r = dump.read(out);
    return r;
}

int dump_sockets(system_calls& calls, bool is_tcp, std::uint16_t first, std::uint32_t count,
                 std::vector<socket_row>& out, bool all_states_incl_bound) {
    const std::size_t before = out.size();
    for (const int family : {AF_INET, AF_INET6}) {
        if (const int r = dump_family(calls, is_tcp, family, first, count, out, all_states_incl_bound); r < 0) {
            out.resize(before);
            return r;
        }
    }
    return 0;
}

namespace {

bool dump_sees(system_calls& calls, int fd) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    std::uint64_t cookie = 0;
    socklen_t cookie_size = sizeof cookie;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    std::vector<socket_row> rows;
    bool seen = false;
    if (calls.bind(fd, name, size) >= 0 && calls.getsockname(fd, name, &size) >= 0 &&
        calls.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &cookie_size) >= 0 &&
        dump_sockets(calls, true, ntohs(address.sin_port), 1, rows) == 0) {
        for (const socket_row& row : rows) seen = seen || row.cookie == cookie;
    }
    return seen;
}

}  // namespace

bool dump_sees_bound_sockets(system_calls& calls) {
    const int fd = calls.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool seen = false;
    try {
        seen = dump_sees(calls, fd);
    } catch (...) {
        calls.close(fd);
        throw;
    }
    calls.close(fd);
    return seen;
}

}  // namespace berth::platform
