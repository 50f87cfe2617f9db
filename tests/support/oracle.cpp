// sock_diag and /proc/net, read plainly.
#include "support/oracle.hpp"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <ostream>
#include <system_error>

namespace berth::test {
namespace {

constexpr unsigned every_state = 0xfffu | 1u << 13;
constexpr int state_time_wait = 6;

struct port_range {
    std::uint32_t first, count;
    [[nodiscard]] bool has(std::uint32_t port) const { return port >= first && port - first < count; }
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void add_message(const inet_diag_msg& m, port_range range, std::vector<socket_seen>& out) {
    socket_seen s;
    s.port = ntohs(m.id.idiag_sport), s.remote_port = ntohs(m.id.idiag_dport);
    if (!range.has(s.port)) return;
    s.family = m.idiag_family, s.state = m.idiag_state, s.uid = m.idiag_uid, s.inode = m.idiag_inode;
    s.cookie = std::uint64_t{m.id.idiag_cookie[1]} << 32 | m.id.idiag_cookie[0];
    out.push_back(s);
}

void dump(int netlink, int protocol, int family, port_range range, std::vector<socket_seen>& out) {
    struct {
        nlmsghdr header;
        inet_diag_req_v2 body;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body.sdiag_family = static_cast<__u8>(family);
    request.body.sdiag_protocol = static_cast<__u8>(protocol);
    request.body.idiag_states = every_state;
    if (send(netlink, &request, sizeof request, 0) < 0) fail("oracle: asking sock_diag");

    alignas(nlmsghdr) static thread_local char buffer[1 << 16];
    for (;;) {
        const ssize_t got = recv(netlink, buffer, sizeof buffer, 0);
        if (got <= 0) fail("oracle: reading sock_diag");
        auto left = static_cast<unsigned>(got);
        for (auto* h = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_DONE) return;
            if (h->nlmsg_type == NLMSG_ERROR) {
                errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(h))->error;
                fail("oracle: sock_diag refused");
            }
            add_message(*static_cast<const inet_diag_msg*>(NLMSG_DATA(h)), range, out);
        }
    }
}

void add_from_proc(const char* path, int family, port_range range, std::vector<socket_seen>& out) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        unsigned port = 0, remote = 0, state = 0, uid = 0;
        unsigned long inode = 0;
        if (std::sscanf(line.c_str(), " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%x %x %*x:%*x %*x:%*x %*x %u %*u %lu",
                        &port, &remote, &state, &uid, &inode) != 5)
            continue;
        if (!range.has(port)) continue;
        const auto known = std::find_if(out.begin(), out.end(), [&](const socket_seen& s) {
            return !s.in_proc && s.port == port && s.remote_port == remote && s.family == family && s.inode == inode;
        });
        if (known != out.end()) {
            known->in_proc = true;
            continue;
        }
        socket_seen s;
        s.port = static_cast<std::uint16_t>(port), s.remote_port = static_cast<std::uint16_t>(remote);
        s.family = family, s.state = static_cast<int>(state), s.uid = uid, s.inode = inode, s.in_proc = true;
        out.push_back(s);
    }
}

}  // namespace

std::vector<socket_seen> sockets_on(oracle_protocol protocol, std::uint16_t first, std::uint32_t count) {
    const bool tcp = protocol == oracle_protocol::tcp;
    const port_range range{first, count};
    std::vector<socket_seen> out;
    const int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (netlink < 0) fail("oracle: no netlink socket");
    const std::unique_ptr<const int, void (*)(const int*)> closer(&netlink, [](const int* s) { close(*s); });
    for (int family : {AF_INET, AF_INET6}) dump(netlink, tcp ? IPPROTO_TCP : IPPROTO_UDP, family, range, out);
    add_from_proc(tcp ? "/proc/net/tcp" : "/proc/net/udp", AF_INET, range, out);
    add_from_proc(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", AF_INET6, range, out);
    std::sort(out.begin(), out.end(), [](const socket_seen& a, const socket_seen& b) {
        return std::pair{a.port, a.cookie} < std::pair{b.port, b.cookie};
    });
    return out;
}

std::set<std::uint64_t> own_socket_inodes() {
    std::set<std::uint64_t> out;
    DIR* directory = opendir("/proc/self/fd");
    if (!directory) fail("oracle: /proc/self/fd");
    while (const dirent* entry = readdir(directory)) {
        char target[64] = "";
        if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) <= 0) continue;
        if (std::strncmp(target, "socket:[", 8) == 0) out.insert(std::strtoull(target + 8, nullptr, 10));
    }
    closedir(directory);
    return out;
}

std::vector<socket_seen> own_on(oracle_protocol protocol, std::uint16_t first, std::uint32_t count) {
    std::vector<socket_seen> out = sockets_on(protocol, first, count);
    const std::set<std::uint64_t> own = own_socket_inodes();
    std::erase_if(out, [&](const socket_seen& s) { return own.count(s.inode) == 0; });
    return out;
}

std::vector<socket_seen> strangers_on(oracle_protocol protocol, std::uint16_t first, std::uint32_t count) {
    std::vector<socket_seen> out = sockets_on(protocol, first, count);
    const std::set<std::uint64_t> own = own_socket_inodes();
    std::erase_if(out, [&](const socket_seen& s) {
        return s.inode == 0 || s.state == state_time_wait || own.count(s.inode) != 0;
    });
    return out;
}

std::ostream& operator<<(std::ostream& out, const socket_seen& s) {
    return out << "port " << s.port << " family " << s.family << " state " << s.state << " uid " << s.uid << " inode "
               << s.inode << " cookie " << s.cookie << " remote port " << s.remote_port
               << (s.in_proc ? ", also in /proc" : "") << '\n';
}

}  // namespace berth::test
