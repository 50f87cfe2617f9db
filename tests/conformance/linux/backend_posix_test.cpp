// What only POSIX systems can be asked: descriptors that run out, and signals.
#include "conformance/backend_ground.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

namespace backend_suite {
namespace {

using clock = backend::clock;

/// In a process that has no descriptors left: the result of an accept, and of one more when there are some again.
std::string accept_without_descriptors(const sibling& s, bool many) {
    std::string reason;
    const auto engine = s.make({}, reason);
    if (engine == nullptr) return reason;
    auto door = listener();
    auto client = connected_to(local_address(door));
    std::error_code ec;
    const auto a = engine->attach(door.fd(), {}, ec);
    if (a == nullptr) return ec.message();
    operation op;
    const auto ask = [&] {
        op.what = verb::accept, op.many = many, op.socket = a.get();
        engine->start(op);
        completion c;
        const auto end = backend::clock::now() + 5s;
        while (!engine->next(c)) {
            if (backend::clock::now() > end) return completion{nullptr, -1, false};
            engine->wait(end);
        }
        return c;
    };
    const rlimit none{0, 64};
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    ::setrlimit(RLIMIT_NOFILE, &none);
    auto c = ask();
    if (c.result != -EMFILE || c.more) return "without descriptors: " + std::to_string(c.result);
    const rlimit enough{64, 64};
    ::setrlimit(RLIMIT_NOFILE, &enough);
    c = ask();
    if (c.result < 0 || c.more != many) return "with descriptors: " + std::to_string(c.result);
    engine->quiet(*a);
    while (a->first != nullptr) engine->look(), engine->next(c);
    return {};
}

TEST_P(backend_contract, without_descriptors_accept_fails_and_the_client_waits) {
    take_down();
    for (const bool many : {false, true}) {
        int report[2];
        ASSERT_EQ(::pipe(report), 0);
        const auto child = ::fork();
        if (child == 0) {
            const auto text = accept_without_descriptors(GetParam(), many);
            [[maybe_unused]] const auto n = ::write(report[1], text.data(), text.size());
            ::_exit(0);
        }
        ::close(report[1]);
        std::string text(1000, '\0');
        const auto n = ::read(report[0], text.data(), text.size());
        ::close(report[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(text.substr(0, n > 0 ? std::size_t(n) : 0), "");
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

TEST_P(backend_contract, without_descriptors_it_refuses_to_be_made_or_works) {
    std::vector<descriptor> all;
    for (;;) {
        all.emplace_back(::dup(STDERR_FILENO));
        if (all.back().fd() == -1) break;
    }
    std::string reason;
    auto made = GetParam().make({}, reason);
    all.clear();
    EXPECT_TRUE(made != nullptr || !reason.empty());
}

backend* woken_by_a_signal = nullptr;

volatile std::sig_atomic_t signals = 0;

void wake_it(int) {
    signals = signals + 1;
    woken_by_a_signal->wake();
}

TEST_P(backend_contract, a_wake_from_a_signal_handler_ends_a_wait) {
    woken_by_a_signal = &engine();
    signals = 0;
    struct sigaction action = {}, before = {};
    action.sa_handler = wake_it;
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    for (int i = 0; i < 50; ++i) {
        const auto sleeper = ::pthread_self();
        std::thread later([&] {
            std::this_thread::sleep_for(1ms);
            ::pthread_kill(sleeper, SIGUSR1);
        });
        const auto begin = clock::now();
        while (signals == 2 * i) engine().wait(begin + 10s);
        EXPECT_LT(since(begin), 9s);
        later.join();
        errno = 1234;
        ::raise(SIGUSR1);
        EXPECT_EQ(errno, 1234) << "a handler leaves errno alone";
        engine().wait(clock::now() + 10s);
    }
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_P(backend_contract, a_signal_without_a_wake_does_not_end_a_wait_early) {
    struct sigaction action = {}, before = {};
    action.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
    const auto sleeper = ::pthread_self();
    const auto begin = clock::now();
    std::thread later([&] {
        std::this_thread::sleep_for(5ms);
        ::pthread_kill(sleeper, SIGUSR1);
    });
    engine().wait(begin + 50ms);
    EXPECT_GE(since(begin), 50ms);
    later.join();
    ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace backend_suite
