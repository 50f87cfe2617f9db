// A fork in every state: each call in the child says `forked`, and the parent goes on as if nothing had been.
//
// States that need more than a process of their own are looked at elsewhere: rows.txt says where.
#include "kernel_faults/faults_ground.hpp"
#include "unit/io/by_backend.hpp"

#include <berth/associate.hpp>
#include <berth/async_reserve.hpp>
#include <berth/listener_pool.hpp>
#include <berth/outbound.hpp>
#include <berth/tcp_acceptor.hpp>
#include <berth/tcp_socket.hpp>
#include <berth/udp_socket.hpp>

#include <asio.hpp>

#include <future>
#include <optional>
#include <thread>

namespace {

using namespace kernel_faults_test;
using berth::bound_port;
using berth::transport;

/// Every verb of a reservation, in the child of its process.
std::string all_say_forked(port_reservation& r, transport protocol = transport::udp) {
    error_code ec;
    if (r.take(ec) || ec != errc::forked) return "take: " + ec.message();
    if (r.take_port(r.block().first, ec) || ec != errc::forked) return "take_port: " + ec.message();
    if (protocol == transport::udp && (r.take_pair(transport::udp, ec)[0] || ec != errc::forked))
        return "take_pair: " + ec.message();
    if (r.reclaim() != 0) return "reclaim brought something";
    failure f;
    r.release(f, berth::if_taken::refuse);
    if (f.code != errc::forked) return "release: " + f.what;
    r.release(f, berth::if_taken::detach);
    if (f.code != errc::forked) return "release: " + f.what;
    const int fd = ::socket(AF_INET6, (protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    berth::associate(fd, r.token(), ec);
    ::close(fd);
    return ec == errc::forked ? "" : "associate: " + ec.message();
}
std::string says_forked(bound_port& p) {
    error_code ec;
    if (p.duplicate(ec) != -1 || ec != errc::forked) return "duplicate: " + ec.message();
    p.give_back(ec);
    return ec == errc::forked ? "" : "give_back: " + ec.message();
}

reservation_request block_of(std::uint32_t count, transport protocol = transport::udp) {
    reservation_request r;
    r.block.count = count, r.protocol = protocol;
    return r;
}
void expect_all_back(port_reservation& r, std::uint32_t count) {
    r.reclaim();
    EXPECT_EQ(r.statistics().ports.available, count);
    EXPECT_EQ(r.statistics().condemned, 0u);
    failure f;
    auto same = block_of(count);
    same.block.first = r.block().first;
    EXPECT_FALSE(port_reservation::reserve(same, f)) << "the parent's block is not held";
}

void say_hello(std::uint16_t port) {
    asio::io_context others;
    asio::ip::udp::socket(others, asio::ip::udp::v4())
        .send_to(asio::buffer("hello", 5), {asio::ip::address_v4::loopback(), port});
}

TEST(kernel_faults, fork_while_reserved) {
    auto r = port_reservation::reserve(block_of(4));
    EXPECT_EQ(in_forked_child([&] { return all_say_forked(r); }), "");
    expect_all_back(r, 4);
}

TEST(kernel_faults, fork_while_taken_and_lent) {
    auto r = port_reservation::reserve(block_of(4));
    error_code ec;
    auto taken = r.take(ec), lent = r.take(ec);
    static_cast<void>(lent.native_handle());
    EXPECT_EQ(in_forked_child([&] { return all_say_forked(r) + says_forked(taken) + says_forked(lent); }), "");
    taken.give_back(ec), lent.give_back(ec);
    expect_all_back(r, 4);
}

class kernel_faults_fork : public io_test::by_backend {};
BERTH_BY_BACKEND(kernel_faults_fork);

TEST_P(kernel_faults_fork, while_an_operation_waits) {
    auto r = port_reservation::reserve(block_of(2));
    auto socket = r.take<berth::udp_socket>(context().get_executor());
    std::array<char, 8> data{};
    asio::ip::udp::endpoint from;
    std::string heard = "nothing";
    (*socket).async_receive_from(asio::buffer(data), from, [&](error_code ec, std::size_t n) {
        heard = ec ? ec.message() : std::string(data.data(), n);
    });
    context().poll();
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  if (auto said = all_say_forked(r); !said.empty()) return said;
                  error_code ec;
                  socket.give_back(ec);
                  return ec == errc::forked ? "" : "give_back: " + ec.message();
              }),
              "");
    say_hello((*socket).local_endpoint().port());
    context().restart();
    context().run_for(5s);
    EXPECT_EQ(heard, "hello") << "the parent's operation did not go on";
    error_code ec;
    socket.give_back(ec);
    expect_all_back(r, 2);
}

// Whoever runs the context in the child hears that the parent's operations are none of his, and begins his own.
TEST_P(kernel_faults_fork, and_the_child_runs_the_context) {
    auto r = port_reservation::reserve(block_of(2));
    auto socket = r.take<berth::udp_socket>(context().get_executor());
    std::array<char, 8> data{};
    asio::ip::udp::endpoint from;
    std::string heard = "nothing";
    (*socket).async_receive_from(asio::buffer(data), from, [&](error_code ec, std::size_t n) {
        heard = ec ? ec.message() : std::string(data.data(), n);
    });
    context().poll();
    const auto port = (*socket).local_endpoint().port();
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  say_hello(port);
                  context().run_for(2s);
                  if (heard != error_code(asio::error::operation_aborted).message())
                      return "the child heard " + heard;
                  context().restart();
                  berth::udp_socket own(context(), asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
                  std::string mine = "nothing";
                  own.async_receive_from(asio::buffer(data), from, [&](error_code ec, std::size_t n) {
                      mine = ec ? ec.message() : std::string(data.data(), n);
                  });
                  own.send_to(asio::buffer("child", 5), own.local_endpoint());
                  context().run_for(2s);
                  return mine == "child" ? "" : "the child's own: " + mine;
              }),
              "");
    context().restart();
    context().run_for(5s);
    EXPECT_EQ(heard, "hello") << "the child took what was the parent's";
    error_code ec;
    socket.give_back(ec);
    expect_all_back(r, 2);
}

// In the child there is no thread that runs the context: nobody waits for it.
TEST_P(kernel_faults_fork, while_another_thread_runs_the_context) {
    auto r = port_reservation::reserve(block_of(2));
    auto socket = r.take<berth::udp_socket>(context().get_executor());
    std::array<char, 8> data{};
    asio::ip::udp::endpoint from;
    std::promise<std::string> heard;
    (*socket).async_receive_from(asio::buffer(data), from, [&](error_code ec, std::size_t n) {
        heard.set_value(ec ? ec.message() : std::string(data.data(), n));
    });
    const auto port = (*socket).local_endpoint().port();
    std::thread runs([&] { context().run_for(10s); });
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  ::alarm(5);
                  error_code ec;
                  socket.give_back(ec);
                  return ec == errc::forked ? "" : "give_back: " + ec.message();
              }),
              "");
    say_hello(port);
    auto word = heard.get_future();
    EXPECT_EQ(word.wait_for(5s), std::future_status::ready) << "the parent is deaf";
    runs.join();
    EXPECT_EQ(word.get(), "hello");
    error_code ec;
    socket.give_back(ec);
    expect_all_back(r, 2);
}

TEST_P(kernel_faults_fork, inside_a_coroutine) {
    auto r = port_reservation::reserve(block_of(2));
    std::string child = "did not run", parent = child;
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            error_code ec;
            auto port = r.take(ec);
            berth::steady_timer pause(context(), 1ms);
            co_await pause.async_wait(asio::use_awaitable);
            child = in_forked_child([&] { return all_say_forked(r) + says_forked(port); });
            pause.expires_after(1ms);
            co_await pause.async_wait(asio::use_awaitable);
            port.give_back(ec);
            parent = ec ? ec.message() : "";
        },
        asio::detached);
    context().run_for(5s);
    EXPECT_EQ(child, "");
    EXPECT_EQ(parent, "");
    expect_all_back(r, 2);
}

TEST_P(kernel_faults_fork, while_a_connect_is_under_way) {
    auto request = block_of(4, transport::tcp);
    request.use = berth::tcp_use::connect;
    request.family = berth::address_family::ipv4;
    request.sessions_per_port = 2;
    auto r = port_reservation::reserve(request);
    berth::tcp_acceptor door(context(), asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto to = door.local_endpoint();
    error_code result = asio::error::would_block;
    std::optional<berth::bound<berth::tcp_socket>> made;
    r.async_connect<berth::tcp_socket>(context().get_executor(), to,
                                       [&](error_code ec, berth::bound<berth::tcp_socket> s) {
                                           result = ec;
                                           made.emplace(std::move(s));
                                       });
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  error_code ec;
                  const auto refused = r.connect<berth::tcp_socket>(context().get_executor(), to, ec);
                  return ec == errc::forked ? "" : "connect: " + ec.message();
              }),
              "");
    context().run_for(5s);
    EXPECT_FALSE(result) << result.message();
    made.reset();
    r.reclaim();
    EXPECT_EQ(r.statistics().outbound.in_use, 0u);
    EXPECT_EQ(r.statistics().ports.available, 8u);
}

TEST_P(kernel_faults_fork, while_a_reserve_is_under_way) {
    failure why;
    std::optional<port_reservation> made;
    error_code result = asio::error::would_block;
    port_reservation::async_reserve(context(), block_of(512), why, [&](error_code ec, port_reservation r) {
        result = ec;
        made.emplace(std::move(r));
    });
    context().run_one();
    EXPECT_EQ(in_forked_child([&]() -> std::string {  // what the parent binds just now is nothing to its child
                  failure f;
                  auto own = port_reservation::reserve(block_of(4), f);
                  error_code ec;
                  return own && own.take(ec) ? "" : f.what + ec.message();
              }),
              "");
    context().run_for(10s);
    ASSERT_TRUE(made && *made) << result.message() << why.what;
    expect_all_back(*made, 512);
}

TEST_P(kernel_faults_fork, of_a_pool) {
    berth::listener_pool pool(block_of(4), {&context()});
    error_code started = asio::error::would_block;
    pool.async_start([&](error_code ec) { started = ec; });
    context().run_for(5s);
    ASSERT_FALSE(started) << started.message();
    auto room = pool.open(0);
    EXPECT_EQ(in_forked_child([&]() -> std::string {
                  error_code ec;
                  const auto refused = pool.open(0, ec);
                  if (ec != errc::forked) return "open: " + ec.message();
                  room.give_back(ec);
                  return ec == errc::forked ? "" : "give_back: " + ec.message();
              }),
              "");
    error_code ec;
    room.give_back(ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(pool.statistics().ports.available, 4u);
}

}  // namespace
