// sock_diag dumps: one request a family, the port filter as inet_diag bytecode, rows gathered until NLMSG_DONE.
#include "platform/linux/socket_dump.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

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
dump_request make_request(bool tcp, int family, std::uint16_t first, std::uint16_t last, bool bound) {
    dump_request r;
    r.header.nlmsg_len = sizeof r;
    r.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    r.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    r.question.sdiag_family = static_cast<std::uint8_t>(family);
    r.question.sdiag_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
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

class row_reader {
public:
    row_reader(system_calls& calls, int fd, std::vector<socket_row>& out) : calls_(calls), fd_(fd), out_(out) {}

    // 0 at the end of the dump, try_again, or -errno.
    int read_dump() {
        for (;;) {
            const ssize_t got = calls_.recv(fd_, buffer_.data(), buffer_.size(), MSG_TRUNC);
            if (got == -ENOBUFS) return try_again;
            if (got < 0) return static_cast<int>(got);
            if (static_cast<std::size_t>(got) > buffer_.size()) {
                buffer_.resize(static_cast<std::size_t>(got) * 2);
                return try_again;
            }
            if (const int r = read_messages(static_cast<std::size_t>(got)); r != more) return r;
        }
    }

private:
    static constexpr int more = 2;

    int read_messages(std::size_t left) {
        const unsigned char* at = buffer_.data();
        while (left >= sizeof(nlmsghdr)) {
            nlmsghdr header;
            std::memcpy(&header, at, sizeof header);
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) return -EBADMSG;
            if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
            if (header.nlmsg_type == NLMSG_DONE) return interrupted_ ? try_again : 0;
            if (header.nlmsg_type == NLMSG_ERROR) return error_in(at, header.nlmsg_len);
            if (header.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return -EBADMSG;
            inet_diag_msg message;
            std::memcpy(&message, at + NLMSG_HDRLEN, sizeof message);
            out_.push_back(to_row(message));
            const std::size_t step = NLMSG_ALIGN(header.nlmsg_len);
            if (step >= left) break;
            at += step, left -= step;
        }
        return more;
    }

    static int error_in(const unsigned char* at, std::size_t size) {
        nlmsgerr e;
        if (size < NLMSG_LENGTH(sizeof e)) return -EBADMSG;
        std::memcpy(&e, at + NLMSG_HDRLEN, sizeof e);
        return e.error < 0 ? e.error : -EBADMSG;
    }

    system_calls& calls_;
    int fd_;
    std::vector<socket_row>& out_;
    std::vector<unsigned char> buffer_ = std::vector<unsigned char>(65536);
    bool interrupted_ = false;
};

int dump_once(system_calls& calls, const dump_request& request, std::vector<socket_row>& out, int receive_buffer) {
    // A socket for each attempt: what an abandoned dump still had to say cannot get mixed into the next.
    const int fd = calls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) return fd;
    if (receive_buffer > 0) calls.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const ssize_t sent = calls.send(fd, &request, sizeof request, 0);
    int r = sent < 0 ? static_cast<int>(sent) : 0;
    try {
        if (r == 0) r = row_reader(calls, fd, out).read_dump();
    } catch (...) {
        calls.close(fd);
        throw;
    }
    calls.close(fd);
    return r;
}

}  // namespace

int dump_sockets(system_calls& calls, bool tcp, std::uint16_t first, std::uint32_t count,
                 std::vector<socket_row>& out, bool all_states_incl_bound) {
    if (count == 0 || std::uint32_t{first} + count > 65536) return -EINVAL;
    const auto last = static_cast<std::uint16_t>(first + count - 1);
    const std::size_t before = out.size();
    for (const int family : {AF_INET, AF_INET6}) {
        const dump_request request = make_request(tcp, family, first, last, all_states_incl_bound);
        const std::size_t start = out.size();
        int r = try_again;
        for (int tries = 0; r == try_again && tries < most_tries; ++tries) {
            out.resize(start);
            r = dump_once(calls, request, out, tries == 0 ? 0 : 1 << 20);
        }
        // A kernel without IPv6 has no handler for it, and no sockets of it either.
        if (r == -ENOENT && family == AF_INET6) r = 0;
        if (r != 0) {
            out.resize(before);
            return r == try_again ? -EAGAIN : r;
        }
    }
    return 0;
}

bool dump_sees_bound_sockets(system_calls& calls) {
    const int fd = calls.socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
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
    calls.close(fd);
    return seen;
}

}  // namespace berth::platform
