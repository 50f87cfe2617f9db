// The real system calls, which tell the intruders each port at the instant of its first bind, and on wish refuse
// TCP_REPAIR, so that the order of calls for want of CAP_NET_ADMIN can be attacked by root as well.
//
// The first bind is the worst instant to tell: before it the port is anybody's, and the rest of reserve follows. Now
// and then a call dawdles, as any process does that is preempted: else the intruders would rarely meet a window of a
// microsecond, and the closing check would go untested.
#pragma once

#include "intruder.hpp"
#include "unit/linux/forwarding_calls.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>

namespace berth::test {

class announcing_calls final : public berth_test::forwarding_calls {
public:
    enum class repair : bool { permitted, refused };
    announcing_calls(intruder_crew& crew, repair r) : crew_(crew), repair_(r) {}

    int bind(int fd, const sockaddr* a, socklen_t n) noexcept override {
        const int r = forwarding_calls::bind(fd, a, n);
        if (r < 0 || (a->sa_family != AF_INET && a->sa_family != AF_INET6)) return r;
        const std::uint16_t port =
            ntohs(a->sa_family == AF_INET ? reinterpret_cast<const sockaddr_in*>(a)->sin_port
                                          : reinterpret_cast<const sockaddr_in6*>(a)->sin6_port);
        if (port != 0) crew_.changing_hands(port);
        dawdle();
        return r;
    }
    int setsockopt(int fd, int level, int name, const void* v, socklen_t n) noexcept override {
        if (repair_ == repair::refused && level == IPPROTO_TCP && name == TCP_REPAIR) return -EPERM;
        const int r = forwarding_calls::setsockopt(fd, level, name, v, n);
        dawdle();
        return r;
    }

private:
    void dawdle() noexcept {
        if (++calls_ % 61 == 0) usleep(300);
    }

    intruder_crew& crew_;
    repair repair_;
    std::uint32_t calls_ = 0;
};

}  // namespace berth::test
