// The daemon is killed at every single system call of what it does for a consumer: before the call, and after it.
//
// The daemon's calls are counted by tracing it; the n-th stop is its death, for every n until the work is done
// without one. Each time a new daemon is started, the consumer's call must succeed as if nothing had been, and then
// every port is there once: with one consumer, with the other, or with the daemon. BERTH_STEP: of so many stops one
// is tried where a piece of work has very many.
#include "scenario/share_ground.hpp"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <random>
#include <set>

namespace berth::test {
namespace {

class daemon_share_kills : public share_ground {
protected:
    static constexpr std::uint32_t ports = 12;

    static int step_of_many() {
        const char* const wanted = std::getenv("BERTH_STEP");
        return wanted == nullptr ? 17 : static_cast<int>(std::strtol(wanted, nullptr, 10));
    }

    bool trace() const {
        int status = 0;
        return ::ptrace(PTRACE_SEIZE, daemon_, nullptr, nullptr) == 0 &&
               ::ptrace(PTRACE_INTERRUPT, daemon_, nullptr, nullptr) == 0 &&
               ::waitpid(daemon_, &status, 0) == daemon_;
    }

    /// Lets the daemon run to its `at`-th stop from now on and kills it there. False: `is_over` came first.
    bool kill_at(int at, const std::atomic<bool>& is_over) {
        for (int stops = 0;;) {
            int status = 0, signal = 0;
            if (stops++ == at) break;
            ::ptrace(PTRACE_SYSCALL, daemon_, nullptr, reinterpret_cast<void*>(static_cast<std::intptr_t>(signal)));
            for (int waited = 0; ::waitpid(daemon_, &status, WNOHANG) == 0; ++waited) {
                if (!is_over || waited < 200) {
                    std::this_thread::sleep_for(std::chrono::microseconds(waited < 50 ? 0 : 20));
                    continue;
                }
                ::ptrace(PTRACE_INTERRUPT, daemon_, nullptr, nullptr);  // it waits for requests
                ::waitpid(daemon_, &status, 0);
                ::ptrace(PTRACE_DETACH, daemon_, nullptr, nullptr);
                return false;
            }
            if (!WIFSTOPPED(status)) ADD_FAILURE() << "it ended by itself: " << log();
        }
        kill_daemon();
        return true;
    }

    struct two_shares {
        port_reservation a, b;
    };

    /// `work` is done by a consumer while the daemon is killed at every `step`-th stop. Returns the kills.
    int kill_at_each(int step, const std::function<void(two_shares&)>& prepare,
                     const std::function<void(two_shares&)>& work) {
        int kills = 0;
        for (int at = 1 + static_cast<int>(std::random_device{}() % static_cast<unsigned>(step)); !HasFailure();
             at += step) {
            create(transport::udp, ports);
            two_shares shares{open(token_, 4), open(token_, 4)};
            prepare(shares);
            if (!trace()) {
                ADD_FAILURE() << "the daemon cannot be traced here: " << std::strerror(errno);
                break;
            }
            std::atomic<bool> is_over{false};
            std::thread consumer([&] {
                work(shares);
                is_over = true;
            });
            const bool killed = kill_at(at, is_over);
            if (killed) start(daemon_options());
            consumer.join();
            expect_every_port_once(shares);
            shares = {};
            failure f;
            EXPECT_TRUE(comes_true([&] {
                remove_persistent(block_, protocol_, f, at_here());
                return !f;
            })) << "killed at "
                << at << ": " << f.what << ", out " << ports_out();
            if (!killed) break;
            ++kills;
        }
        std::printf("[ kills    ] %d\n", kills);
        return kills;
    }
    [[nodiscard]] persistent_options at_here() const { return at(); }

    void expect_every_port_once(two_shares& shares) {
        std::set<std::uint16_t> numbers;
        std::vector<bound_port> all;
        comes_true([&] {
            for (auto* share : {&shares.a, &shares.b}) {
                for (auto& p : take_all(*share)) {
                    EXPECT_TRUE(numbers.insert(p.port()).second) << "port " << p.port() << " is in two hands";
                    all.push_back(std::move(p));
                }
            }
            return all.size() == ports;
        });
        EXPECT_EQ(all.size(), ports) << "lost: " << last_refusal(shares.a).what << "; "
                                     << last_refusal(shares.b).what;
        EXPECT_EQ(ports_out(), ports);
    }
};

TEST_F(daemon_share_kills, while_it_hands_out) {
    kill_at_each(
        1, [](two_shares&) {},
        [](two_shares& s) {
            error_code ec;
            const auto port = s.a.take(ec);
            EXPECT_FALSE(ec) << ec.message() << ", " << last_refusal(s.a).what;
        });
}

TEST_F(daemon_share_kills, while_it_gets_ports_back_for_another) {
    kill_at_each(
        step_of_many(),
        [](two_shares& s) {
            const auto all = take_all(s.a);  // idle with one, and wanted by the other
        },
        [&](two_shares& s) {
            error_code ec;
            const auto first = s.b.take(ec);
            const auto second = s.b.take(ec);
            EXPECT_FALSE(ec) << ec.message() << ", " << last_refusal(s.b).what << "; out " << ports_out() << ", idle "
                             << s.a.available() << " and " << s.b.available();
        });
}

TEST_F(daemon_share_kills, while_a_share_is_opened) {
    kill_at_each(
        step_of_many(), [](two_shares&) {},
        [&](two_shares& s) {
            failure f;
            port_reservation third;
            comes_true([&] {  // a daemon that is dead before the first word to it is not waited for
                third = open_persistent(token_, f, here());
                return f.code != errc::service_unavailable;
            });
            EXPECT_FALSE(f) << f.what;
            error_code ec;
            const auto port = third.take(ec);
            EXPECT_FALSE(ec) << ec.message();
            static_cast<void>(s);
        });
}

TEST_F(daemon_share_kills, while_it_takes_back_from_one_who_is_gone) {
    kill_at_each(
        step_of_many(), [](two_shares& s) { const auto some = take_all(s.a, 5); },
        [&](two_shares& s) {
            s.a.release();
            failure f;
            EXPECT_TRUE(comes_true([&] {
                s.a = open_persistent(token_, f, here());
                return !f;
            })) << f.what;
        });
}

TEST_F(daemon_share_kills, while_it_replaces_a_poisoned_socket) {
    kill_at_each(
        step_of_many(), [](two_shares&) {},
        [&](two_shares& s) {
            {
                auto port = s.a.take();
                ::shutdown(static_cast<int>(port.native_handle()), SHUT_RDWR);
            }
            s.a.reclaim();
            error_code ec;
            const auto other = s.b.take(ec);
            EXPECT_FALSE(ec) << ec.message();
        });
}

}  // namespace
}  // namespace berth::test
