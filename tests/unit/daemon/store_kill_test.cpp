// Writers that are killed: at every single change of a file, before it, in the middle of it and after it, and at any
// instant. What was answered is in the store, and of what was not at most the one commit that was under way.
#include "dying_files.hpp"
#include "store_ground.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

namespace berth::daemon::test {
namespace {

using namespace std::chrono_literals;

class store_kill : public store_ground {
protected:
    /// Blocks come, change and go; each is another than the one before.
    static stored_contents step(std::uint32_t n) {
        stored_contents c{.boot = {1, n / 8}, .blocks = {}, .listed = {}};
        for (std::uint32_t i = 0; i < 12; ++i) {
            if ((n * 2654435761u >> i & 1u) == 0) continue;
            auto b =
                row(1000 + i, i < 6 ? transport::tcp : transport::udp, static_cast<std::uint16_t>(100 * i + 1), 100);
            b.is_draining = n % 3 == 0;
            c.blocks.push_back(b);
            c.listed.push_back(b.block);
        }
        c.blocks.push_back(row(5000 + n, transport::udp, 20000, 5));
        return c;
    }

    void write_until_killed(std::uint32_t steps) {
        failure f;
        const auto store = open(f);
        if (!store) _exit(2);
        for (std::uint32_t n = answered() + 1; n <= steps; ++n) {
            store->commit(step(n), f);
            if (f) _exit(3);
            page_->store(n);
        }
        _exit(0);
    }

    /// The step that the store is at. It is the one answered last, or the next.
    void look() {
        failure f;
        const auto store = open(f);
        ASSERT_TRUE(store) << f.what;
        const auto is_at = [&](std::uint32_t n) {
            return store->contents() == (n == 0 ? stored_contents{} : step(n));
        };
        if (is_at(answered() + 1)) page_->fetch_add(1);
        ASSERT_TRUE(is_at(answered())) << "after step " << answered();
    }

    [[nodiscard]] std::uint32_t answered() const { return page_->load(); }
    void begin_anew() {
        fs::remove_all(directory_);
        fs::create_directories(directory_);
        page_->store(0);
    }

    std::atomic<std::uint32_t>* const page_ =
        new (mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
            std::atomic<std::uint32_t>;
};

TEST_F(store_kill, at_every_change_of_a_file) {
    int kills = 0;
    for (const auto how : {last_change::left_out, last_change::half_done, last_change::done}) {
        for (std::uint32_t at = 1; !HasFatalFailure(); ++at) {
            begin_anew();
            const pid_t child = fork();
            if (child == 0) {
                use_dying_files(at, how);
                write_until_killed(6);
            }
            int status = 0;
            waitpid(child, &status, 0);
            look();
            if (WIFEXITED(status)) {
                EXPECT_EQ(WEXITSTATUS(status), 0);
                EXPECT_EQ(answered(), 6u);
                break;
            }
            ++kills;
        }
    }
    EXPECT_GT(kills, 150);
    std::cout << kills << " kills\n";
}

TEST_F(store_kill, at_any_instant_again_and_again) {
    std::mt19937 random(7);
    const auto end = std::chrono::steady_clock::now() + 8s;
    int kills = 0;
    for (; std::chrono::steady_clock::now() < end && !HasFatalFailure(); ++kills) {
        const pid_t child = fork();
        if (child == 0) write_until_killed(1u << 30);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 8000));
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
        look();
    }
    std::cout << kills << " kills, " << answered() << " commits\n";
}

}  // namespace
}  // namespace berth::daemon::test
