// Each operation of a ring fails with each error that is thinkable: it ends once and says so, or is tried again;
// nothing hangs, nothing spins, and the socket serves on.
#include "kernel_faults/faults_ground.hpp"
#include "kernel_faults/injected_results.hpp"

#include <berth/server.hpp>
#include <berth/tcp_acceptor.hpp>
#include <berth/tcp_socket.hpp>
#include <berth/udp_socket.hpp>

#include <asio.hpp>

#include <liburing.h>

#include <array>
#include <map>
#include <optional>

namespace {

using namespace kernel_faults_test;
using asio::ip::tcp;
using asio::ip::udp;

const std::vector<int> errors = {EPERM,      EINTR,   EIO,       EAGAIN,     EBADF,     ENOMEM,      EACCES,
                                 EINVAL,     ENFILE,  EMFILE,    EPIPE,      ENETDOWN,  ENETUNREACH, ECONNABORTED,
                                 ECONNRESET, ENOBUFS, ETIMEDOUT, EOPNOTSUPP, ECANCELED, EHOSTUNREACH};

class kernel_faults_ring : public testing::Test {
protected:
    void SetUp() override {
        if (!can_inject()) GTEST_SKIP() << "no io_uring, or its NOP carries no result (before Linux 6.10)";
        context_.emplace(berth::io_context_options{.backend = berth::backend_choice::io_uring});
    }
    void TearDown() override { inject(0, 0, 0); }
    berth::io_context& context() { return *context_; }
    void run(const std::function<bool()>& done) {
        const double before = processor_seconds();
        const auto until = steady::now() + 5s;
        while (!done() && steady::now() < until) {
            context().run_for(20ms);
            context().restart();
        }
        EXPECT_TRUE(done()) << "it never ended";
        EXPECT_LT(processor_seconds() - before, 1.0) << "it spun";
    }
    std::pair<berth::tcp_socket, berth::tcp_socket> connected() {
        berth::tcp_acceptor door(context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        berth::tcp_socket a(context()), b(context());
        a.connect(door.local_endpoint());
        door.accept(b);
        return {std::move(a), std::move(b)};
    }
    std::optional<berth::io_context> context_;
};

TEST_F(kernel_faults_ring, receive_fails) {
    auto [a, b] = connected();
    std::map<int, int> said;
    for (const int error : errors) {
        std::array<char, 4> data{};
        std::optional<error_code> ended;
        int times = 0;
        for (const std::uint8_t op : {std::uint8_t{IORING_OP_RECV}, std::uint8_t{IORING_OP_RECVMSG}}) {
            ended.reset();
            times = 0;
            inject(op, -error);
            a.async_receive(asio::buffer(data), [&](error_code ec, std::size_t) { ended = ec, ++times; });
            context().poll();  // it is handed over: nothing has come
            context().restart();
            b.send(asio::buffer("word", 4));
            run([&] { return ended.has_value(); });
            EXPECT_EQ(times, 1) << std::strerror(error);
            if (injected() == 0) {
                EXPECT_FALSE(*ended) << std::strerror(error);
                continue;  // the ring asks by the other operation
            }
            if (*ended) {
                EXPECT_EQ(ended->value(), error) << ended->message();
                ++said[error];
                inject(0, 0, 0);
                EXPECT_EQ(a.receive(asio::buffer(data)), 4u) << "the bytes are lost";
            }
            EXPECT_EQ(std::string(data.data(), 4), "word") << std::strerror(error);
        }
    }
    EXPECT_GE(said.size(), errors.size() - 4) << "all but those after which it is tried again";
    EXPECT_EQ(said.count(EINTR), 0u) << "a signal ends no operation";
}

TEST_F(kernel_faults_ring, send_fails) {
    int failed = 0;
    for (const int error : errors) {
        auto [a, b] = connected();
        std::optional<error_code> ended;
        for (const std::uint8_t op : {std::uint8_t{IORING_OP_SEND}, std::uint8_t{IORING_OP_SENDMSG}}) {
            const std::string much(5 << 20, 'x');  // more than the system takes: the rest waits in the ring
            ended.reset();
            inject(op, -error);
            asio::async_write(a, asio::buffer(much), [&](error_code ec, std::size_t) { ended = ec; });
            std::size_t read = 0;
            std::vector<char> into(1 << 20);
            std::function<void()> drain = [&] {
                b.async_receive(asio::buffer(into), [&](error_code ec, std::size_t n) {
                    read += n;
                    if (!ec) drain();
                });
            };
            drain();
            run([&] { return ended.has_value() && (*ended || read == much.size()); });
            if (*ended) {
                ++failed;
                EXPECT_EQ(ended->value(), error) << ended->message();
            }
            b.cancel();
            context().run_for(5ms);
            context().restart();
        }
    }
    EXPECT_GE(failed, static_cast<int>(errors.size()) - 4) << "all but those after which it is tried again";
}

TEST_F(kernel_faults_ring, connect_fails) {
    berth::tcp_acceptor door(context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    int failed = 0;
    for (const int error : errors) {
        berth::tcp_socket a(context());
        std::optional<error_code> ended;
        inject(IORING_OP_CONNECT, -error);
        a.async_connect(door.local_endpoint(), [&](error_code ec) { ended = ec; });
        run([&] { return ended.has_value(); });
        if (*ended && injected() != 0) {
            EXPECT_EQ(ended->value(), error) << ended->message();
            ++failed;
        }
        inject(0, 0, 0);
        berth::tcp_socket next(context());
        EXPECT_NO_THROW(next.connect(door.local_endpoint()));
    }
    EXPECT_GE(failed, static_cast<int>(errors.size()) - 4);
}

// A pool of accepts and a server: what can pass is waited out, and every client is served in the end.
TEST_F(kernel_faults_ring, accept_fails) {
    for (const int error : errors) {
        if (error == EBADF || error == ECANCELED || error == EINVAL || error == EOPNOTSUPP) continue;  // no listener
        berth::server server(context(), {});
        const auto at = server.listen(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        berth::connection_callbacks calls;
        calls.received = [](berth::connection& c, asio::const_buffer bytes) { c.write(bytes); };
        inject(IORING_OP_ACCEPT, -error, 3);
        server.start(std::move(calls));
        context().poll();
        context().restart();
        asio::io_context others;
        tcp::socket client(others);
        client.connect(at);
        client.non_blocking(true);
        error_code ignored;
        asio::write(client, asio::buffer("word", 4));
        std::array<char, 4> data{};
        std::size_t got = 0;
        run([&] { return got += client.receive(asio::buffer(data), 0, ignored), got >= 4; });
        EXPECT_EQ(server.statistics().accepted, 1u) << std::strerror(error);
        EXPECT_GT(injected(), 0) << std::strerror(error);
        client.close();
        server.stop();
        context().run_for(5ms);
        context().restart();
    }
}

// A receive that goes on and ends without an error, as when the queue of results ran over: it begins again by itself.
TEST_F(kernel_faults_ring, receive_of_many_ends_without_an_error) {
    berth::udp_socket server(context(), udp::endpoint(asio::ip::address_v4::loopback(), 0));
    asio::io_context others;
    udp::socket sender(others, udp::v4());
    int came = 0;
    std::optional<error_code> ended;
    inject(IORING_OP_RECVMSG, -ENOBUFS, 5);
    server.async_receive_each([&](error_code ec, const berth::datagram&) {
        if (ec)
            ended = ec;
        else
            ++came;
    });
    context().poll();
    context().restart();
    for (int i = 0; i < 20; ++i) sender.send_to(asio::buffer("x", 1), server.local_endpoint());
    run([&] { return came == 20 || ended.has_value(); });
    EXPECT_FALSE(ended.has_value()) << ended->message();
    EXPECT_EQ(came, 20);
    EXPECT_GT(injected(), 0);
}

}  // namespace
