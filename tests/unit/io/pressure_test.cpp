// What is promised when something runs short: descriptors, room in buffers and queues, quiet from signals.
#include <berth/udp_socket.hpp>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using asio::ip::udp;

class pressure : public tcp_by_backend {};
BERTH_BY_BACKEND(pressure);

/// In a process of its own, because the limit is the process's. Empty: all as it should be.
std::string accept_without_descriptors(backend_choice backend) {
    constexpr int clients = 5;
    berth::io_context context({.backend = backend});
    tcp_acceptor door(context, anywhere);
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

TEST_P(pressure, accept_reports_that_descriptors_ran_out_and_no_client_is_lost) {
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

char at(std::size_t i) { return static_cast<char>((i * 2654435761U) >> 13); }

TEST_P(pressure, eight_megabytes_reach_a_slow_reader_byte_for_byte) {
    auto [near, far] = connected();
    near.set_option(asio::socket_base::send_buffer_size(100000));
    std::vector<char> sent(8 << 20);
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = at(i);
    std::thread reader([fd = far.release(), size = sent.size()] {
        std::mt19937 random(5);
        std::vector<char> data(70000);
        std::size_t heard = 0;
        while (heard < size) {
            const auto n = ::recv(fd, data.data(), 1 + random() % data.size(), 0);
            if (n < 0 && errno == EAGAIN) {
                std::this_thread::sleep_for(20us);
                continue;
            }
            if (n <= 0) break;
            for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
                if (data[i] != at(heard + i)) ADD_FAILURE() << "byte " << heard + i, heard = size;
            }
            heard += static_cast<std::size_t>(n);
        }
        EXPECT_EQ(heard, size);
        ::close(fd);
    });
    std::size_t written = 0;
    int calls = 0;
    const auto counted = [&](const error_code& ec, std::size_t n) {
        ++calls;
        return asio::transfer_all()(ec, n);
    };
    asio::async_write(near, asio::buffer(sent), counted, [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        written = n;
    });
    run();
    near.close();
    reader.join();
    EXPECT_EQ(written, sent.size());
    EXPECT_GT(calls, 2) << "no write was short";
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

TEST_P(pressure, a_datagram_that_is_cut_short_is_reported_as_asio_does) {
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

TEST_P(pressure, signals_interrupt_nothing) {
    for (const int flags : {0, SA_RESTART}) {
        interruptions = 0;
        tcp_acceptor door(context(), anywhere);
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

/// Far more under way, and ended at once, than any of the ring's queues has room for.
TEST_P(pressure, two_thousand_operations_end_once_each_over_a_ring_of_four) {
    berth::io_context small({.backend = GetParam(), .entries = 4});
    const udp::endpoint here(asio::ip::address_v4::loopback(), 0);
    std::vector<berth::udp_socket> sockets;
    std::vector<int> ended(2000), sent(200);
    char data[16];
    for (std::size_t i = 0; i < 200; ++i) sockets.emplace_back(small, here);
    for (std::size_t i = 0; i < ended.size(); ++i) {
        sockets[i % 200].async_receive(asio::buffer(data), [&, i](error_code ec, std::size_t) {
            EXPECT_EQ(bool(ec), i >= 1000) << i << ": " << ec.message();
            ++ended[i];
        });
    }
    for (std::size_t i = 0; i < 1000; ++i) {
        sockets[i % 200].async_send_to(asio::buffer("x", 1), sockets[i % 200].local_endpoint(),
                                       [&, i](error_code ec, std::size_t) {
                                           EXPECT_FALSE(ec) << ec.message();
                                           ++sent[i % 200];
                                       });
    }
    small.run_for(50ms);
    for (auto& s : sockets) s.cancel();
    small.run_for(10s);
    EXPECT_TRUE(small.stopped());
    EXPECT_EQ(ended, std::vector<int>(2000, 1));
    EXPECT_EQ(sent, std::vector<int>(200, 5));
}

TEST_P(pressure, of_a_million_functions_from_four_threads_none_is_lost_and_each_threads_are_in_order) {
    constexpr int threads = 4, each = 125'000;
    berth::io_context second({.backend = GetParam()});
    berth::io_context* const both[] = {&context(), &second};
    std::array<std::array<int, threads>, 2> next{};
    std::array<int, 2> out_of_order{};
    {
        const auto one = asio::make_work_guard(*both[0]), two = asio::make_work_guard(*both[1]);
        std::array<std::thread, 2> runners;
        for (std::size_t c = 0; c < 2; ++c) runners[c] = std::thread([&, c] { both[c]->run(); });
        std::vector<std::thread> posters;
        for (std::size_t t = 0; t < threads; ++t) {
            posters.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    for (std::size_t c = 0; c < 2; ++c) {
                        asio::post(*both[c], [&, t, c, i] { out_of_order[c] += next[c][t]++ != i; });
                    }
                    if (i % 1000 == 0) std::this_thread::sleep_for(100us);  // they fall asleep, and are woken
                }
            });
        }
        for (auto& t : posters) t.join();
        std::promise<void> last[2];
        for (std::size_t c = 0; c < 2; ++c) asio::post(*both[c], [&, c] { last[c].set_value(); });
        for (auto& l : last) EXPECT_EQ(l.get_future().wait_for(20s), std::future_status::ready);
        for (auto* const c : both) c->stop();
        for (auto& r : runners) r.join();
    }
    for (std::size_t c = 0; c < 2; ++c) {
        EXPECT_EQ(out_of_order[c], 0);
        for (const int n : next[c]) EXPECT_EQ(n, each);
    }
}

}  // namespace
