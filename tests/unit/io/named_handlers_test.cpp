// A handler that has a name is its caller's: an operation copies it. One that has none is moved, and need not be copyable.
#include <berth/cancel_after.hpp>
#include <berth/connect.hpp>
#include <berth/resolver.hpp>
#include <berth/signal_set.hpp>
#include <berth/udp_socket.hpp>

#include <csignal>
#include <memory>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using asio::ip::udp;

struct copied {
    std::shared_ptr<int> calls = std::make_shared<int>(0);
    template <class... Args>
    void operator()(const Args&...) const {
        ++*calls;
    }
};
struct moved {
    std::unique_ptr<std::shared_ptr<int>> calls = std::make_unique<std::shared_ptr<int>>(std::make_shared<int>(0));
    template <class... Args>
    void operator()(const Args&...) {
        ++**calls;
    }
};

class named_handlers : public tcp_by_backend {
protected:
    template <class Begin>
    void expect_theirs_to_stay(const char* what, Begin begin) {
        copied handler;
        begin(handler);
        ASSERT_TRUE(handler.calls) << what << " took a handler that has a name";
        const copied& unchangeable = handler;
        begin(unchangeable);
        moved other;
        const auto other_calls = *other.calls;
        begin(std::move(other));
        run();
        EXPECT_EQ(*handler.calls, 2) << what;
        EXPECT_EQ(*other_calls, 1) << what;
    }
};

TEST_P(named_handlers, of_streams_stay) {
    auto [l, r] = connected();
    auto &left = l, &right = r;
    char byte[1] = {};
    const auto buffer = asio::buffer(byte);
    expect_theirs_to_stay("read_some", [&](auto&& h) {
        right.send(asio::buffer("x", 1));
        left.async_read_some(buffer, std::forward<decltype(h)>(h));
    });
    expect_theirs_to_stay("write_some", [&](auto&& h) { left.async_write_some(buffer, std::forward<decltype(h)>(h)); });
    expect_theirs_to_stay("wait", [&](auto&& h) {
        left.async_wait(tcp_socket::wait_write, std::forward<decltype(h)>(h));
    });
    expect_theirs_to_stay("read", [&](auto&& h) {
        right.send(asio::buffer("x", 1));
        asio::async_read(left, buffer, std::forward<decltype(h)>(h));
    });
}

TEST_P(named_handlers, of_connections_stay) {
    tcp_acceptor door(context(), anywhere);
    const auto to = door.local_endpoint();
    std::vector<std::unique_ptr<tcp_socket>> ends;
    const auto another = [&]() -> tcp_socket& { return *ends.emplace_back(std::make_unique<tcp_socket>(context())); };
    expect_theirs_to_stay("connect", [&](auto&& h) { another().async_connect(to, std::forward<decltype(h)>(h)); });
    expect_theirs_to_stay("accept", [&](auto&& h) { door.async_accept(another(), std::forward<decltype(h)>(h)); });
    expect_theirs_to_stay("accept of a new socket", [&](auto&& h) {
        another().connect(to);
        door.async_accept(std::forward<decltype(h)>(h));
    });
    const std::vector<tcp::endpoint> all{to};
    expect_theirs_to_stay("connect to one of several", [&](auto&& h) {
        berth::async_connect(another(), all, std::forward<decltype(h)>(h));
    });
}

TEST_P(named_handlers, of_datagrams_stay) {
    const udp::endpoint here(asio::ip::address_v4::loopback(), 0);
    berth::udp_socket one(context(), here), two(context(), here);
    const auto to_one = one.local_endpoint(), to_two = two.local_endpoint();
    char data[8] = {};
    udp::endpoint source;
    expect_theirs_to_stay("receive_from", [&](auto&& h) {
        two.send_to(asio::buffer(data), to_one);
        one.async_receive_from(asio::buffer(data), source, std::forward<decltype(h)>(h));
    });
    expect_theirs_to_stay("send_to", [&](auto&& h) {
        one.async_send_to(asio::buffer(data), to_two, std::forward<decltype(h)>(h));
    });
}

TEST_P(named_handlers, of_times_names_and_signals_stay) {
    berth::steady_timer timer(context(), 1ms);
    expect_theirs_to_stay("timer", [&](auto&& h) { timer.async_wait(std::forward<decltype(h)>(h)); });
    expect_theirs_to_stay("cancel_after", [&](auto&& h) {
        auto limited = berth::cancel_after(1h, std::forward<decltype(h)>(h));
        timer.async_wait(std::move(limited));
    });
    auto limited = berth::cancel_after(1h, copied());
    timer.async_wait(limited);
    EXPECT_TRUE(limited.token.calls) << "a token that has a name lost its handler";
    run();
    berth::tcp_resolver names(context());
    expect_theirs_to_stay("resolve", [&](auto&& h) {
        names.async_resolve("127.0.0.1", "1", std::forward<decltype(h)>(h));
    });
    berth::signal_set signals(context(), SIGTERM);
    expect_theirs_to_stay("signal", [&](auto&& h) {
        signals.async_wait(std::forward<decltype(h)>(h));
        ::raise(SIGTERM);
    });
}

BERTH_BY_BACKEND(named_handlers);

}  // namespace
