// Worker processes that share one persistent block.
#include "share_ground.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <set>

namespace berth::test {
namespace {

using namespace std::chrono_literals;

class daemon_share_workers : public share_ground {};

// Four processes; who has a port writes its name into the port's cell of memory that all of them share.
TEST_F(daemon_share_workers, have_no_port_in_common_and_use_all) {
    constexpr std::uint32_t ports = 40;
    constexpr int workers = 4, rounds = 3000;
    struct shared_cells {
        std::atomic<int> owner[ports];
        std::atomic<bool> was_used[ports];
    };
    void* const page =
        ::mmap(nullptr, sizeof(shared_cells), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    auto& cells = *new (page) shared_cells{};
    create(transport::udp, ports);
    const auto work = [&](int name) {
        failure f;
        auto options = here();
        options.fetch = 8;
        auto share = open_persistent(token_, f, options);
        if (f) return 1;
        std::mt19937 random(static_cast<unsigned>(name));
        std::vector<bound_port> mine;
        for (int i = 0; i < rounds; ++i) {
            error_code ec;
            auto port = share.take(ec);
            if (ec && ec != errc::block_exhausted) return 2;
            if (port) {
                int nobody = 0;
                const auto index = std::size_t{port.port()} - block_.first;
                if (!cells.owner[index].compare_exchange_strong(nobody, name)) return 3;
                cells.was_used[index] = true;
                mine.push_back(std::move(port));
            }
            while (!mine.empty() && (ec || random() % 8 == 0 || i + 1 == rounds)) {
                if (cells.owner[std::size_t{mine.back().port()} - block_.first].exchange(0) != name) return 4;
                mine.pop_back();
            }
        }
        return 0;
    };
    std::vector<pid_t> children;
    for (int name = 1; name <= workers; ++name) {
        children.push_back(::fork());
        if (children.back() == 0) ::_exit(work(name));
    }
    for (const pid_t child : children) {
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "worker said " << WEXITSTATUS(status);
    }
    std::uint32_t used = 0;
    for (const auto& u : cells.was_used) used += u;
    EXPECT_EQ(used, ports);
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
    ::munmap(page, sizeof(shared_cells));
}

}  // namespace
}  // namespace berth::test
