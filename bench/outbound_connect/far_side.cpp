// See far_side.hpp.
#include "outbound_connect/far_side.hpp"

#include "baseline/raw/sockets.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace berth::bench {

struct far_side::counts {
    std::atomic<std::uint64_t> accepted;
};

namespace {

void stay_on(int core) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

[[noreturn]] void accept_for_ever(int listener, std::atomic<std::uint64_t>& accepted) {
    const int queue = ::epoll_create1(EPOLL_CLOEXEC);
    const auto watch = [&](int fd, std::uint32_t events) {
        epoll_event e{.events = events, .data = {.fd = fd}};
        ::epoll_ctl(queue, EPOLL_CTL_ADD, fd, &e);
    };
    watch(listener, EPOLLIN);
    std::array<epoll_event, 64> events{};
    for (;;) {
        const int n = ::epoll_wait(queue, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < n; ++i) {
            const int fd = events[static_cast<std::size_t>(i)].data.fd;
            if (fd != listener) {
                ::close(fd);  // its other end is gone
                continue;
            }
            for (int fresh; (fresh = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                watch(fresh, EPOLLIN | EPOLLRDHUP);
                accepted.fetch_add(1);
            }
        }
    }
}

}  // namespace

void stay_on_first_core() noexcept { stay_on(0); }
void stay_on_last_core() noexcept { stay_on(static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)) - 1); }

far_side::far_side() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(20000);  // of a namespace of its own, outside of what is measured
    const bool listens =
        ::bind(listener, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0 && ::listen(listener, 4096) == 0;
    if (!listens) throw std::system_error(errno, std::generic_category(), "the far side's listener");
    to_.port = 20000;
    void* const memory = ::mmap(nullptr, sizeof(counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    shared_ = new (memory) counts{};
    process_ = ::fork();
    if (process_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        stay_on_last_core();
        accept_for_ever(listener, shared_->accepted);
    }
    ::close(listener);
}

far_side::~far_side() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    ::munmap(shared_, sizeof(counts));
}

void far_side::settle(std::uint64_t made) const {
    for (int i = 0; shared_->accepted.load() < made; ++i) {
        if (i > 10'000) throw std::runtime_error("the far side has stopped accepting");
        ::usleep(200);
    }
}

}  // namespace berth::bench
