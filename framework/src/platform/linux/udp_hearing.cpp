// One sock_diag look-up without the dump flag: the kernel runs its receive look-up for the tuple in the question.
#include "platform/linux/udp_hearing.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

namespace berth::platform {
namespace {

struct look_up {
    nlmsghdr header{};
    inet_diag_req_v2 question{};
};

// A stranger: addresses kept for documentation, so no socket is connected to them.
constexpr unsigned char strange_v4[4] = {192, 0, 2, 1};
constexpr unsigned char strange_v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

look_up make_question(int family, const void* address, std::uint16_t port) noexcept {
    const bool v4 = family == AF_INET;
    look_up q;
    q.header.nlmsg_len = sizeof q;
    q.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    q.header.nlmsg_flags = NLM_F_REQUEST;
    q.question.sdiag_family = static_cast<std::uint8_t>(family);
    q.question.sdiag_protocol = IPPROTO_UDP;
    q.question.idiag_states = ~0u;
    // "Source" of the question is the sender, "destination" the local end: the packet's own view.
    q.question.id.idiag_sport = htons(9);
    q.question.id.idiag_dport = htons(port);
    std::memcpy(q.question.id.idiag_src, v4 ? strange_v4 : strange_v6, v4 ? 4 : 16);
    if (address != nullptr) std::memcpy(q.question.id.idiag_dst, address, v4 ? 4 : 16);
    q.question.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    q.question.id.idiag_cookie[1] = static_cast<std::uint32_t>(INET_DIAG_NOCOOKIE);
    return q;
}

bool is_shut_down(const unsigned char* attributes, std::size_t left) noexcept {
    while (left >= sizeof(rtattr)) {
        rtattr a;
        std::memcpy(&a, attributes, sizeof a);
        if (a.rta_len < sizeof a || a.rta_len > left) return true;
        if (a.rta_type == INET_DIAG_SHUTDOWN) return attributes[RTA_LENGTH(0)] != 0;
        const std::size_t step = RTA_ALIGN(a.rta_len);
        if (step >= left) break;
        attributes += step, left -= step;
    }
    return true;  // the kernel always says it; silence is not trusted
}

bool answer_is(const unsigned char* answer, std::size_t size, std::uint64_t cookie) noexcept {
    nlmsghdr header;
    inet_diag_msg message;
    constexpr std::size_t fixed = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof message);
    if (size < fixed) return false;
    std::memcpy(&header, answer, sizeof header);
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len > size) return false;
    std::memcpy(&message, answer + NLMSG_HDRLEN, sizeof message);
    const std::uint64_t hearer = message.id.idiag_cookie[0] | std::uint64_t{message.id.idiag_cookie[1]} << 32;
    return hearer == cookie && !is_shut_down(answer + fixed, header.nlmsg_len - fixed);
}

int make_netlink(system_calls& calls) noexcept {
    return calls.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
}

bool ask(system_calls& calls, int fd, int family, const void* address, std::uint16_t port,
         std::uint64_t cookie) noexcept {
    const look_up q = make_question(family, address, port);
    alignas(nlmsghdr) unsigned char answer[1024];
    if (calls.send(fd, &q, sizeof q, 0) < 0) return false;
    const ssize_t got = calls.recv(fd, answer, sizeof answer, 0);  // queued before send returned
    return got > 0 && answer_is(answer, static_cast<std::size_t>(got), cookie);
}

}  // namespace

udp_hearing::~udp_hearing() {
    for (auto& slot : idle_) {
        if (const int fd = slot.load(std::memory_order_relaxed); fd >= 0) calls_->close(fd);
    }
}

int udp_hearing::open(system_calls& calls) noexcept {
    calls_ = &calls;
    for (auto& slot : idle_) {
        const int fd = make_netlink(calls);
        if (fd < 0) return fd;
        slot.store(fd, std::memory_order_release);
    }
    return 0;
}

bool udp_hearing::hears(system_calls& calls, int family, const void* address, std::uint16_t port,
                        std::uint64_t cookie) noexcept {
    std::atomic<int>* home = nullptr;
    int fd = -1;
    for (auto& slot : idle_) {
        if ((fd = slot.exchange(-1, std::memory_order_acquire)) >= 0) {
            home = &slot;
            break;
        }
    }
    if (fd < 0) fd = make_netlink(calls);
    if (fd < 0) return false;
    const bool answer = ask(calls, fd, family, address, port, cookie);
    if (home != nullptr) {
        home->store(fd, std::memory_order_release);
    } else {
        calls.close(fd);
    }
    return answer;
}

}  // namespace berth::platform
