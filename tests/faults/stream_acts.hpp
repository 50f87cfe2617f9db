// What is done with TCP sockets and acceptors while something fails: each function is one operation, and says what came of it.
#pragma once

#include "faults/far_end.hpp"

#include <array>
#include <string>

namespace berth::test {

inline outcome opens(world& w) {
    error_code ec;
    tcp_socket socket(w.context);
    socket.open(tcp::v4(), ec);
    EXPECT_EQ(socket.is_open(), !ec);
    return of(ec);
}
inline plain apart_bound() {
    const stands_apart apart;
    return bound_plain(SOCK_STREAM);
}
inline outcome assigns(world& w) {
    plain mine = apart_bound();
    error_code ec;
    tcp_socket socket(w.context);
    socket.assign(tcp::v4(), mine, ec);
    if (!ec) mine.release();
    return of(ec);
}
inline outcome listens(world& w) {
    tcp_acceptor acceptor(w.context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    return {};
}
inline outcome binds_udp(world& w) {
    error_code ec;
    udp_socket socket(w.context);
    socket.open(udp::v4(), ec);
    if (!ec) socket.bind({asio::ip::address_v4::loopback(), 0}, ec);
    const auto port = ec ? std::uint16_t{0} : socket.local_endpoint(ec).port();
    EXPECT_TRUE(ec || port != 0);
    return of(ec);
}
inline outcome options(world& w) {
    error_code ec;
    auto [near, far] = w.connected();
    near.set_option(tcp::no_delay(true), ec);
    tcp::no_delay now;
    if (!ec) near.get_option(now, ec);
    EXPECT_TRUE(ec || now.value());
    if (!ec) near.remote_endpoint(ec);
    if (!ec) near.available(ec);
    if (!ec) near.shutdown(tcp_socket::shutdown_send, ec);
    return of(ec);
}

inline outcome connects(world& w) {
    error_code ec;
    tcp_socket socket(w.context);
    socket.connect({asio::ip::address_v4::loopback(), w.port}, ec);
    w.clear_door();
    return of(ec);
}
inline outcome connects_later(world& w) {
    auto& result = w.begin();
    tcp_socket socket(w.context);
    socket.async_connect({asio::ip::address_v4::loopback(), w.port}, [&](error_code ec) { result = ec; });
    const auto o = w.run();
    w.clear_door();
    return o;
}
inline outcome connects_to_one_of(world& w) {
    auto& result = w.begin();
    tcp_socket socket(w.context);
    const std::array<tcp::endpoint, 1> all{tcp::endpoint(asio::ip::address_v4::loopback(), w.port)};
    asio::async_connect(socket, all, [&](error_code ec, const tcp::endpoint&) { result = ec; });
    const auto o = w.run();
    w.clear_door();
    return o;
}

struct with_client {
    explicit with_client(world& w) : acceptor(w.context) {
        const stands_apart apart;
        acceptor.open(tcp::v4());
        acceptor.bind({asio::ip::address_v4::loopback(), 0});
        acceptor.listen();
        client = connected_plain(acceptor.local_endpoint().port());
    }
    tcp_acceptor acceptor;
    plain client;
};
inline outcome accepts(world& w) {
    with_client here(w);
    error_code ec;
    const tcp_socket socket = here.acceptor.accept(ec);
    EXPECT_EQ(socket.is_open(), !ec);
    return of(ec);
}
inline outcome accepts_later(world& w) {
    with_client here(w);
    auto& result = w.begin();
    here.acceptor.async_accept([&](error_code ec, const tcp_socket& s) {
        result = ec;
        EXPECT_EQ(s.is_open(), !ec);
    });
    return w.run();
}
inline outcome accepts_each(world& w) {
    with_client here(w);
    auto& result = w.begin();
    here.acceptor.async_accept_each([&](error_code ec, const tcp_socket&) {
        if (!result) result = ec;
    });
    return w.run();
}

inline outcome receives(world& w) {
    auto [near, far] = w.connected();
    say(far);
    error_code ec;
    char into[64];
    near.receive(asio::buffer(into), 0, ec);
    return of(ec);
}
inline outcome receives_later(world& w) {
    auto [near, far] = w.connected();
    say(far);
    auto& result = w.begin();
    char into[1000];
    asio::async_read(near, asio::buffer(into), [&](error_code ec, std::size_t n) {
        result = ec;
        EXPECT_TRUE(ec || n == sizeof into);
    });
    return w.run();
}
inline outcome receives_each(world& w) {
    auto [near, far] = w.connected();
    say(far);
    auto& result = w.begin();
    near.async_receive_each([&](error_code ec, const lent_buffer& bytes) {
        w.count += bytes.size();
        if (!result && (ec || w.count == text.size())) result = ec;
    });
    return w.run();
}
inline outcome asks_a_receiver(world& w) {
    auto [near, far] = w.connected();
    say(far);
    auto& result = w.begin();
    tcp_receiver receiver(near);
    receiver.async_next([&](error_code ec, const lent_buffer&) { result = ec; });
    return w.run();
}
inline outcome waits_to_read(world& w) {
    auto [near, far] = w.connected();
    say(far);
    auto& result = w.begin();
    near.async_wait(tcp_socket::wait_read, [&](error_code ec) { result = ec; });
    return w.run();
}
inline outcome sends(world& w) {
    auto [near, far] = w.connected();
    error_code ec;
    near.send(asio::buffer(text), 0, ec);
    return of(ec);
}
inline outcome sends_later(world& w) {
    auto [near, far] = w.connected();
    auto& result = w.begin();
    asio::async_write(near, asio::buffer(text), [&](error_code ec, std::size_t) { result = ec; });
    auto o = w.run();
    return o.code ? o : heard_all(far, text.size());
}
inline outcome writes(world& w) {
    auto [near, far] = w.connected();
    auto& result = w.begin();
    tcp_writer writer(near);
    writer.write(asio::buffer(text));
    writer.write(asio::buffer(text));
    writer.async_flush(0, [&](error_code ec) { result = ec; });
    auto o = w.run();
    return o.code ? o : heard_all(far, 2 * text.size());
}
inline outcome is_in_time(world& w) {
    auto [near, far] = w.connected();
    say(far);
    auto& result = w.begin();
    char into[64];
    near.async_receive(asio::buffer(into), cancel_after(1h, [&](error_code ec, std::size_t) { result = ec; }));
    return w.run();
}

}  // namespace berth::test
