// berthd is killed at any instant while blocks are created and removed, again and again. Afterwards every answered
// change is there, of the one under way all or nothing, every block that is listed is held, and nothing else is.
//
// BERTH_KILLS: how many.
#include "scenario/daemon_ground.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

namespace berth::test {
namespace {

constexpr std::uint32_t places = 6;        // blocks that come and go
constexpr std::uint32_t ports_of_one = 5;  // of each

enum class known : std::uint32_t { absent, present, creating, removing };

class daemon_kills : public daemon_ground {
protected:
    [[nodiscard]] port_block block(std::uint32_t i) const {
        return {static_cast<std::uint16_t>(first_ + i * ports_of_one), ports_of_one};
    }
    static transport protocol(std::uint32_t i) { return i % 2 == 0 ? transport::tcp : transport::udp; }

    /// A client that changes one block after the other until the daemon is gone.
    [[noreturn]] void change_until_gone(unsigned seed) {
        std::mt19937 random(seed);
        for (;;) {
            const auto i = static_cast<std::uint32_t>(random() % places);
            const bool creates = page_[i] == known::absent;
            failure f;
            page_[i] = creates ? known::creating : known::removing;
            if (creates) {
                create_persistent(block(i), protocol(i), f, at());
            } else {
                remove_persistent(block(i), protocol(i), f, at());
            }
            if (f.code == errc::service_unavailable) ::_exit(0);
            if (f) ::_exit(1);
            page_[i] = creates ? known::present : known::absent;
        }
    }

    void look(int kill) {
        SCOPED_TRACE("after kill " + std::to_string(kill));
        failure f;
        const auto listed = list_persistent(f, at());
        ASSERT_FALSE(f) << f.what;
        for (std::uint32_t i = 0; i < places; ++i) {
            bool is_there = false;
            for (const auto& b : listed) {
                if (b.block != block(i) || b.protocol != protocol(i)) continue;
                is_there = true;
                EXPECT_TRUE(b.is_held) << b.why_not_held;
            }
            if (page_[i] == known::present || page_[i] == known::absent) {
                ASSERT_EQ(is_there, page_[i] == known::present) << "block " << i;
            }
            page_[i] = is_there ? known::present : known::absent;
            if (is_there) {
                expect_held(protocol(i), block(i));
            } else {
                expect_free(protocol(i), block(i));
            }
        }
    }

    std::uint16_t first_ = 0;
    std::atomic<known>* const page_ = static_cast<std::atomic<known>*>(
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
};

TEST_F(daemon_kills, lose_nothing_and_double_nothing) {
    const char* const wanted = std::getenv("BERTH_KILLS");
    const int kills = wanted == nullptr ? 200 : static_cast<int>(std::strtol(wanted, nullptr, 10));
    std::mt19937 random(std::random_device{}());
    start();
    first_ = free_block(places * ports_of_one, transport::tcp_and_udp).first;
    std::array<int, 4> seen{};
    for (int kill = 1; kill <= kills && !HasFailure(); ++kill) {
        const pid_t client = ::fork();
        if (client == 0) change_until_gone(static_cast<unsigned>(random()) + static_cast<unsigned>(kill));
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 15'000));
        kill_daemon();
        int status = 0;
        ::waitpid(client, &status, 0);
        ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "a change was refused" << log();
        for (std::uint32_t i = 0; i < places; ++i) ++seen[static_cast<std::size_t>(page_[i].load())];
        start();
        look(kill);
    }
    std::cout << seen[2] << " creates and " << seen[3] << " removes were under way\n";
}

}  // namespace
}  // namespace berth::test
