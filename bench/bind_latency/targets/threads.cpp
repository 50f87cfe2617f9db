// Two threads on one block against two independent processes with a block each: ports taken and given back per
// second.
//
// Both sides run in processes of their own, so that nothing of the harness is in their descriptor tables. Slices
// start at an agreed instant; the rate counts both workers of a side.
#include "bind_latency/cell_runner.hpp"
#include "bind_latency/targets/subjects.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <new>
#include <stdexcept>
#include <thread>

namespace berth::bench {
namespace {

struct worker_slot {
    alignas(64) std::atomic<std::uint32_t> order{0};  // counts up; a new one is a new slice
    std::atomic<std::uint32_t> done{0};
    std::atomic<bool> ready{false};
    std::atomic<bool> failed{false};
    std::uint64_t cycles = 0;
};

struct agreement {
    std::atomic<nanoseconds> begin{0};
    std::atomic<nanoseconds> end{0};
    std::array<worker_slot, 4> workers;  // 0, 1: threads of one process; 2, 3: processes
};

void work(agreement& shared, unsigned slot, unsigned core, port_reservation& reservation) {
    worker_slot& mine = shared.workers[slot];
    stay_on_core(core);
    mine.ready = true;
    for (;;) {
        while (mine.order.load() == mine.done.load()) usleep(200);
        while (now() < shared.begin.load()) {
        }
        const nanoseconds end = shared.end.load();
        std::uint64_t cycles = 0;
        error_code ec;
        while (now() < end) {
            for (int i = 0; i < 16; ++i, ++cycles) {
                auto port = reservation.take(ec);
                if (ec) mine.failed = true;
                port.give_back(ec);
            }
        }
        mine.cycles = cycles;
        mine.done.store(mine.order.load());
    }
}

[[noreturn]] void run_side(agreement& shared, std::array<unsigned, 2> slots, unsigned count, std::uint32_t ports) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        auto reservation = reserve_for(protocol::udp, ports, parking::best);
        std::thread second;
        if (count == 2) second = std::thread([&] { work(shared, slots[1], 1, reservation); });
        work(shared, slots[0], slots[0] % 2, reservation);
    } catch (...) {
        for (unsigned i = 0; i < count; ++i) shared.workers[slots[i]].failed = true;
    }
    _exit(1);
}

/// Lets two workers run for `length` and returns nanoseconds per cycle of both together.
double slice(agreement& shared, unsigned first, nanoseconds length) {
    shared.begin = now() + 1'000'000;
    shared.end = shared.begin + length;
    for (unsigned i = first; i < first + 2; ++i) shared.workers[i].order.fetch_add(1);
    std::uint64_t cycles = 0;
    for (unsigned i = first; i < first + 2; ++i) {
        worker_slot& w = shared.workers[i];
        while (w.done.load() != w.order.load()) usleep(200);
        cycles += w.cycles;
    }
    return static_cast<double>(length) / static_cast<double>(std::max<std::uint64_t>(cycles, 1));
}

class sides {
public:
    explicit sides(std::uint32_t ports) {
        void* memory = mmap(nullptr, sizeof(agreement), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
        shared_ = new (memory) agreement;
        start({0, 1}, 2, ports);
        start({2, 2}, 1, ports);
        start({3, 3}, 1, ports);
        for (const worker_slot& w : shared_->workers) {
            for (int waited = 0; !w.ready && !w.failed && waited < 5000; ++waited) usleep(1000);
            if (!w.ready) throw std::runtime_error("a worker could not reserve its block");
        }
    }
    ~sides() {
        for (const pid_t pid : children_) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
        munmap(shared_, sizeof(agreement));
    }
    sides(const sides&) = delete;
    sides& operator=(const sides&) = delete;
    agreement& shared() noexcept { return *shared_; }

private:
    void start(std::array<unsigned, 2> slots, unsigned count, std::uint32_t ports) {
        const pid_t pid = fork();
        if (pid == 0) run_side(*shared_, slots, count, ports);
        if (pid > 0) children_.push_back(pid);
    }
    agreement* shared_ = nullptr;
    std::vector<pid_t> children_;
};

}  // namespace

void measure_threads(target_context& c) {
    const std::string what = "two threads on one block, take + give back, UDP";
    const std::string goal = "at least 0.9 of the rate of two processes with a block each";
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        c.out.push_back({what, goal, "needs two cores", std::nullopt});
        return;
    }
    sides both(c.block_ports());
    const nanoseconds length = c.chosen.mode == "smoke" ? 2'000'000 : 12'000'000;
    const auto figures = interleave(c.rounds(), {[&] { return slice(both.shared(), 0, length); },
                                                 [&] { return slice(both.shared(), 2, length); }});
    for (const worker_slot& w : both.shared().workers)
        if (w.failed) throw std::runtime_error("a take failed in the measurement of two threads");
    const double threads = median(figures[0]), processes = median(figures[1]);
    c.out.push_back({what, goal,
                     fmt::format("{:.2f} ({:.2f} million cycles a second against {:.2f})", processes / threads,
                                 1e3 / threads, 1e3 / processes),
                     processes >= 0.9 * threads});
}

}  // namespace berth::bench
