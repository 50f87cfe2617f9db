// What is promised when descriptors run out, under a storm of signals, and of datagrams whose size Linux is asked for.
#include <berth/udp_socket.hpp>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using asio::ip::udp;

class pressure_of_the_system : public tcp_by_backend {};
BERTH_BY_BACKEND(pressure_of_the_system);

/// In a process of its own, because the limit is the process's. Empty: all as it should be.
std::string accept_without_descriptors(backend_choice backend) {
    constexpr int clients = 5;
    berth::io_context context({.backend = backend});
    tcp_acceptor door(context, io_test::anywhere);
    asio::io_context others;
    std::vector<tcp::socket> all;
    for (int i = 0; i < clients; ++i) {
        all.emplace_back(others).connect(door.local_endpoint());
        asio::write(all.back(), asio::buffer(&i, sizeof i));
    }
    rlimit enough{};
    ::getrlimit(RLIMIT_NOFILE, &enough);
    const rlimit none{3, enough.rlim_max};
    std::vector<tcp_socket> accepted;
    int refused = 0;
    error_code unexpected;
    std::function<void()> accept = [&] {
        // Every second time there are none, so that each client but the first waits through a refusal.
        ::setrlimit(RLIMIT_NOFILE, (refused + static_cast<int>(accepted.size())) % 2 == 0 ? &none : &enough);
        door.async_accept([&](error_code ec, tcp_socket s) {
            if (ec == asio::error::no_descriptors) {
                ++refused;
            } else if (ec) {
                unexpected = ec;
                return;
            } else {
                accepted.push_back(std::move(s));
            }
            if (accepted.size() < clients) accept();
        });
    };
    accept();
    context.run_for(10s);
    ::setrlimit(RLIMIT_NOFILE, &enough);
    if (unexpected) return "accept: " + unexpected.message();
    if (accepted.size() != clients) return "accepted " + std::to_string(accepted.size());
    if (refused != clients) return "refused " + std::to_string(refused);
    for (int i = 0; i < clients; ++i) {
        int name = -1;
        asio::read(accepted[static_cast<std::size_t>(i)], asio::buffer(&name, sizeof name));
        if (name != i) return "client " + std::to_string(i) + " is " + std::to_string(name);
    }
    return {};
}

TEST_P(pressure_of_the_system, accept_reports_that_descriptors_ran_out_and_no_client_is_lost) {
    context_.reset();
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto text = accept_without_descriptors(GetParam());
        [[maybe_unused]] const auto n = ::write(report[1], text.data(), text.size());
        ::_exit(0);
    }
    ::close(report[1]);
    std::string text(1000, '\0');
    const auto n = ::read(report[0], text.data(), text.size());
    ::close(report[0]);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(text.substr(0, n > 0 ? static_cast<std::size_t>(n) : 0), "");
    EXPECT_EQ(status, 0);
}

/// The same with Asio's own socket: what it says is what ours has to say.
template <class Context, class Socket>
std::vector<std::pair<error_code, std::size_t>> sizes_of_cut_datagrams(Context& context, Socket socket) {
    std::vector<std::pair<error_code, std::size_t>> all;
    asio::io_context other;
    udp::socket sender(other, udp::v4());
    char data[4];
    udp::endpoint source;
    for (const int flags : {0, static_cast<int>(MSG_TRUNC), static_cast<int>(MSG_PEEK), 0}) {
        if (flags != 0 || all.empty()) sender.send_to(asio::buffer("0123456789", 10), socket.local_endpoint());
        socket.async_receive_from(asio::buffer(data), source, flags,
                                  [&](error_code ec, std::size_t n) { all.emplace_back(ec, n); });
        context.run_for(5s);
        context.restart();
    }
    return all;
}

TEST_P(pressure_of_the_system, a_datagram_that_is_cut_short_is_reported_as_asio_does) {
    const udp::endpoint here(asio::ip::address_v4::loopback(), 0);
    asio::io_context reference;
    const auto expected = sizes_of_cut_datagrams(reference, udp::socket(reference, here));
    ASSERT_EQ(expected.size(), 4u);
    EXPECT_EQ(sizes_of_cut_datagrams(context(), berth::udp_socket(context(), here)), expected);
}

std::atomic<int> interruptions{0};

class storm {
public:
    explicit storm(int flags) : victim_(::pthread_self()) {
        struct sigaction action {};
        action.sa_handler = [](int) { ++interruptions; };
        action.sa_flags = flags;
        ::sigaction(SIGUSR2, &action, &before_);
        source_ = std::thread([this] {
            while (!is_over_) {
                ::pthread_kill(victim_, SIGUSR2);
                std::this_thread::sleep_for(20us);
            }
        });
    }
    ~storm() {
        is_over_ = true;
        source_.join();
        ::sigaction(SIGUSR2, &before_, nullptr);
    }
    storm(const storm&) = delete;
    storm& operator=(const storm&) = delete;

private:
    pthread_t victim_;
    struct sigaction before_ {};
    std::atomic<bool> is_over_{false};
    std::thread source_;
};

TEST_P(pressure_of_the_system, signals_interrupt_nothing) {
    for (const int flags : {0, SA_RESTART}) {
        interruptions = 0;
        tcp_acceptor door(context(), io_test::anywhere);
        std::thread other([to = door.local_endpoint()] {
            sigset_t none;
            sigemptyset(&none);
            sigaddset(&none, SIGUSR2);
            ::pthread_sigmask(SIG_BLOCK, &none, nullptr);
            asio::io_context mine;
            tcp::socket socket(mine);
            std::this_thread::sleep_for(5ms);
            socket.connect(to);
            std::vector<char> data(1 << 20);
            std::this_thread::sleep_for(5ms);
            EXPECT_EQ(asio::read(socket, asio::buffer(data)), data.size());
            std::this_thread::sleep_for(5ms);
            EXPECT_EQ(asio::write(socket, asio::buffer(data)), data.size());
            std::this_thread::sleep_for(5ms);
        });
        {
            const storm signals(flags);
            tcp_socket socket(context());
            std::vector<char> data(1 << 20);
            EXPECT_NO_THROW(door.accept(socket));
            EXPECT_NO_THROW(asio::write(socket, asio::buffer(data)));
            EXPECT_NO_THROW(socket.wait(tcp_socket::wait_read));
            std::size_t read = 0;
            asio::async_read(socket, asio::buffer(data), [&](error_code ec, std::size_t n) {
                EXPECT_FALSE(ec) << ec.message();
                read = n;
            });
            run();
            EXPECT_EQ(read, data.size());
            const auto before = std::chrono::steady_clock::now();
            const auto guard = asio::make_work_guard(context());
            EXPECT_EQ(context().run_for(30ms), 0u);
            berth::steady_timer timer(context(), 20ms);
            timer.wait();
            EXPECT_GE(std::chrono::steady_clock::now() - before, 50ms);
            tcp_socket back(context());
            EXPECT_NO_THROW(back.connect(door.local_endpoint()));
        }
        other.join();
        EXPECT_GT(interruptions, 100) << "no storm";
    }
}

}  // namespace
