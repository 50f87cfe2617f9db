// Ten thousand connections held at once: each echoes when it comes and again when all are there, on either backend.
//
// The clients are another process, because a descriptor limit is one process's: plain blocking sockets, from several
// loopback addresses so that ports do not run short. What an idle connection costs the server's heap is printed.
#include <berth/tcp_acceptor.hpp>

#include <asio.hpp>

#include <arpa/inet.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <vector>

#include "unit/io/by_backend.hpp"

namespace {

using namespace io_test;

constexpr std::size_t connections = 10'000;
constexpr rlim_t beside_them = 200;  // descriptors of the program itself

std::size_t open_descriptors() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

std::size_t heap_in_use() {
    const auto all = ::mallinfo2();
    return all.uordblks + all.hblkhd;
}

// --- the other process; its exit status is the line that failed ---

#define MUST(condition) \
    if (!(condition)) ::_exit(__LINE__ % 251 + 1)

int connected_client(std::size_t i, std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0);
    sockaddr_in from{}, to{};
    from.sin_family = to.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(i % 4));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    const int late = 1;  // the port is chosen by connect, so that it is one of a pair
    MUST(::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late) == 0);
    MUST(::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
    MUST(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    return fd;
}

void say(int fd, std::size_t what) { MUST(::send(fd, &what, sizeof what, MSG_NOSIGNAL) == sizeof what); }
void hear(int fd, std::size_t what) {
    std::size_t heard = ~what;
    MUST(::recv(fd, &heard, sizeof heard, MSG_WAITALL) == sizeof heard && heard == what);
}

[[noreturn]] void be_the_clients(int control) {
    std::uint16_t port = 0;
    MUST(::recv(control, &port, sizeof port, 0) == sizeof port);
    std::vector<int> all;
    for (std::size_t i = 0; i < connections; ++i) {
        all.push_back(connected_client(i, port));
        say(all.back(), i);
        hear(all.back(), i);
    }
    say(control, connections);
    hear(control, 1);
    for (std::size_t i = 0; i < connections; ++i) say(all[i], ~i);
    for (std::size_t i = 0; i < connections; ++i) hear(all[i], ~i);
    say(control, 2 * connections);
    hear(control, 2);
    ::_exit(0);
}

// --- the server ---

struct held {
    std::size_t now = 0, echoes = 0;
};

class session : public std::enable_shared_from_this<session> {
public:
    session(berth::tcp_socket socket, held& all) : socket_(std::move(socket)), all_(all) { ++all_.now; }
    ~session() { --all_.now; }
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    void read() {
        socket_.async_read_some(asio::buffer(data_), [me = shared_from_this()](error_code ec, std::size_t n) {
            if (!ec) me->answer(n);
        });
    }

private:
    void answer(std::size_t n) {
        asio::async_write(socket_, asio::buffer(data_, n), [me = shared_from_this()](error_code ec, std::size_t) {
            EXPECT_FALSE(ec) << ec.message();
            ++me->all_.echoes;
            if (!ec) me->read();
        });
    }

    berth::tcp_socket socket_;
    held& all_;
    char data_[sizeof(std::size_t)];
};

class ten_thousand : public by_backend {
protected:
    void SetUp() override {
        ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        if (before_.rlim_max < connections + beside_them) {
            GTEST_SKIP() << "the hard limit of open files is " << before_.rlim_max << ", and "
                         << connections + beside_them << " are needed";
        }
        const rlimit all{before_.rlim_max, before_.rlim_max};
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &all), 0);
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        clients_ = ::fork();
        ASSERT_GE(clients_, 0);
        if (clients_ == 0) {
            ::close(ends[0]);
            be_the_clients(ends[1]);
        }
        ::close(ends[1]);
        control_ = ends[0];
        by_backend::SetUp();
    }
    void TearDown() override {
        context_.reset();
        if (control_ >= 0) ::close(control_);  // clients that still wait give up
        if (clients_ > 0) ::waitpid(clients_, nullptr, 0);
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }

    void accept(berth::tcp_acceptor& door) {
        door.async_accept([&](error_code ec, berth::tcp_socket socket) {
            if (ec) {
                EXPECT_EQ(ec, asio::error::operation_aborted) << ec.message();
                return;
            }
            std::make_shared<session>(std::move(socket), all_)->read();
            accept(door);
        });
    }

    /// Serves until the clients say so.
    void serve_until(std::size_t word) {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        std::size_t heard = 0;
        ssize_t n = -1;
        while ((n = ::recv(control_, &heard, sizeof heard, MSG_DONTWAIT)) < 0 &&
               std::chrono::steady_clock::now() < deadline) {
            context().run_for(10ms);
        }
        ASSERT_EQ(n, static_cast<ssize_t>(sizeof heard)) << "the clients have given up";
        ASSERT_EQ(heard, word);
    }

    rlimit before_{};
    pid_t clients_ = -1;
    int control_ = -1;
    held all_;
};
BERTH_BY_BACKEND(ten_thousand);

TEST_P(ten_thousand, connections_are_held_and_each_echoes_when_it_comes_and_when_all_are_there) {
    berth::tcp_acceptor door(context(), {asio::ip::address_v4::loopback(), 0});
    const std::size_t descriptors = open_descriptors(), heap = heap_in_use();
    accept(door);
    const std::uint16_t port = door.local_endpoint().port();
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(::send(control_, &port, sizeof port, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof port));
    ASSERT_NO_FATAL_FAILURE(serve_until(connections));
    EXPECT_EQ(all_.now, connections);
    EXPECT_EQ(all_.echoes, connections);
    EXPECT_EQ(open_descriptors(), descriptors + connections);

    const std::size_t each = (heap_in_use() - heap) / connections;
    if (heap_in_use() == 0) {
        std::cout << "an idle connection: not known, a sanitizer's heap keeps no such books" << std::endl;
    } else {
        std::cout << "an idle connection: " << each << " bytes of the heap" << std::endl;
        EXPECT_LT(each, 4096u);
    }

    const std::size_t go = 1, done = 2;
    ASSERT_EQ(::send(control_, &go, sizeof go, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof go));
    ASSERT_NO_FATAL_FAILURE(serve_until(2 * connections));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << 2 * connections << " echoes in " << took.count() << " s" << std::endl;
    EXPECT_EQ(all_.echoes, 2 * connections);

    ASSERT_EQ(::send(control_, &done, sizeof done, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof done));
    int status = -1;
    ASSERT_EQ(::waitpid(clients_, &status, 0), clients_);
    clients_ = -1;
    EXPECT_EQ(status, 0);
    door.close();
    run();
    EXPECT_EQ(all_.now, 0u) << "each heard the end of its connection";
    EXPECT_EQ(open_descriptors(), descriptors - 1);
}

}  // namespace
