// See drained_listener.hpp.
#include "bind_latency/drained_listener.hpp"

#include "baseline/raw/sockets.hpp"
#include "bind_latency/cell_runner.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <csignal>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

namespace berth::bench {

struct drained_listener::wishes {
    std::atomic<bool> keep{false};
    std::atomic<std::uint32_t> accepted{0};
    std::atomic<std::uint32_t> let_go_asked{0};
    std::atomic<std::uint32_t> let_go_done{0};
};

namespace {

int listen_outside(port_block range, std::uint16_t& port) {
    for (port = static_cast<std::uint16_t>(range.first - 1); port > 1024; --port) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        // Inherited by accepted sockets: they end by a reset. A FIN that crosses the client's reset would leave a
        // FIN_WAIT2 behind, in whose way the next connection from the same port waits a second.
        const linger abort{1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        if (fd >= 0 && raw::bind_to(fd, port) && ::listen(fd, 4096) == 0) return fd;
        ::close(fd);
    }
    throw std::runtime_error("no port for a loopback listener");
}

}  // namespace

drained_listener::drained_listener(port_block range) {
    void* memory = mmap(nullptr, sizeof(wishes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no shared memory for the listener");
    shared_ = new (memory) wishes;
    const int fd = listen_outside(range, port_);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("no process for the listener: fork failed");
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        stay_on_core(1);
        std::vector<int> kept;
        std::array<int, 256> recent;  // closing at once would reset connections that are not waited for yet
        recent.fill(-1);
        std::size_t oldest = 0;
        for (;;) {
            pollfd ready{fd, POLLIN, 0};
            poll(&ready, 1, 20);
            for (int one; (one = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
                shared_->accepted.fetch_add(1);
                if (shared_->keep.load())
                    kept.push_back(one);
                else if (const int done = std::exchange(recent[oldest++ % recent.size()], one); done >= 0)
                    ::close(done);
            }
            if (const auto asked = shared_->let_go_asked.load(); asked != shared_->let_go_done.load()) {
                for (const int one : kept) ::close(one);
                kept.clear();
                shared_->let_go_done.store(asked);
            }
        }
    }
    ::close(fd);
}

drained_listener::~drained_listener() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    munmap(shared_, sizeof(wishes));
}

void drained_listener::settle() noexcept {
    constexpr std::uint32_t tolerable = 64;
    const auto behind = [this] { return static_cast<std::int32_t>(made_ - shared_->accepted.load()); };
    if (++made_; behind() < static_cast<std::int32_t>(tolerable)) return;
    for (int waited = 0; waited < 200 && behind() > 0; ++waited) usleep(200);
    made_ = shared_->accepted.load();  // connections that were aborted before they were accepted are never counted
}

void drained_listener::keep_connections(bool keep) noexcept { shared_->keep.store(keep); }

void drained_listener::let_go() noexcept {
    const std::uint32_t asked = shared_->let_go_asked.fetch_add(1) + 1;
    while (shared_->let_go_done.load() != asked) usleep(1000);
}

}  // namespace berth::bench
