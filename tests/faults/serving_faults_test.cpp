// Reservations on a loop, callers' own sockets, pools, listeners that are shared, shards, servers and quotas.
#include "faults/io_ground.hpp"
#include "support/free_block.hpp"
#include "support/ways_to_reserve.hpp"

#include <berth/quotas.hpp>

#include <array>

namespace berth::test {
namespace {

port_block some_block() {
    static const port_block block = free_block(2);
    return block;
}
reservation_request request_of(const char* name) {
    for (const way& w : all_ways()) {
        if (std::string(w.name) == name) return request_for(w, some_block());
    }
    throw std::logic_error(name);
}
port_reservation reserved_apart(const char* name) {
    const stands_apart apart;
    return port_reservation::reserve(request_of(name));
}
template <class T>
std::shared_ptr<T> apart() {
    const stands_apart apart;
    return std::make_shared<T>();
}
outcome with(const outcome& o, const failure& why) { return {o.code, why.what, true}; }
void expect_let_go() {
    const stands_apart apart;
    EXPECT_EQ(who_is_left_on(some_block()), "");
}

outcome reserves_later(world& w, const char* name) {
    auto& result = w.begin();
    const auto got = apart<port_reservation>();
    const auto why = apart<failure>();
    port_reservation::async_reserve(w.context, request_of(name), *why, [&result, got, why](error_code ec, port_reservation r) {
        result = ec;
        *got = std::move(r);
    });
    const auto o = w.run();
    EXPECT_EQ(static_cast<bool>(*got), !o.code);
    *got = {};
    expect_let_go();
    return with(o, *why);
}
outcome connects_out(world& w) {
    auto ports = reserved_apart("outbound");
    error_code ec;
    {
        auto b = ports.connect<tcp_socket>(w.context.get_executor(), {asio::ip::address_v4::loopback(), w.port}, ec);
        EXPECT_EQ(static_cast<bool>(b), !ec);
    }
    w.clear_door();
    ports.reclaim();
    EXPECT_EQ(ports.statistics().outbound.in_use, 0U);
    return of(ec);
}
outcome connects_out_later(world& w) {
    auto ports = reserved_apart("outbound");
    auto& result = w.begin();
    ports.async_connect<tcp_socket>(w.context.get_executor(), {asio::ip::address_v4::loopback(), w.port},
                                    [&result](error_code ec, const bound<tcp_socket>& b) {
                                        result = ec;
                                        EXPECT_EQ(static_cast<bool>(b), !ec);
                                    });
    const auto o = w.run();
    w.clear_door();
    w.settle();
    ports.reclaim();
    EXPECT_EQ(ports.statistics().outbound.in_use, 0U);
    EXPECT_EQ(ports.statistics().ports.open, 0U);
    return o;
}
outcome takes_a_socket(world& w) {
    auto ports = reserved_apart("udp");
    error_code ec;
    {
        auto one = ports.take<udp_socket>(w.context.get_executor(), ec);
        EXPECT_EQ(static_cast<bool>(one), !ec);
    }
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.available, 2U);
    return of(ec);
}
outcome takes_a_run_of_sockets(world& w) {
    auto ports = reserved_apart("udp");
    error_code ec;
    {
        const auto all = ports.take_run<udp_socket>(w.context.get_executor(), 2, 1, ec);
        EXPECT_EQ(all.size(), ec ? 0U : 2U);
    }
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.available, 2U);
    return of(ec);
}

plain own_socket(int type) {
    const stands_apart apart;
    return plain(::socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}
outcome binds_own(world&, const char* name) {
    auto ports = reserved_apart(name);
    const int type = std::string(name) == "udp" ? SOCK_DGRAM : SOCK_STREAM;
    plain mine = own_socket(type);
    failure f;
    error_code ec;
    associate(mine, ports.token(), ec);
    if (!ec) bind(mine, {asio::ip::address(), 0}, f);
    if (ec || f) {
        ports.reclaim();
        EXPECT_EQ(ports.statistics().ports.available, 2U) << "half bound";
        return ec ? of(ec) : of(f);
    }
    {
        const stands_apart apart;
        EXPECT_TRUE(some_block().contains(port_of(mine)));
    }
    give_back(mine, ec);
    if (!ec) mine.release();
    const stands_apart apart;
    if (ec) mine = plain();
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.available, 2U);
    return of(ec);
}
outcome binds_an_object(world& w) {
    auto ports = reserved_apart("udp");
    udp_socket mine(w.context);
    {
        const stands_apart apart;
        mine.open(udp::v6());
    }
    failure f;
    associate(mine, ports.token(), f.code);
    if (!f.code) bind(mine, {asio::ip::address(), 0}, f);
    {
        const stands_apart apart;
        error_code ignored;
        mine.close(ignored);
    }
    ports.reclaim();
    const stands_apart apart;
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.available, 2U);
    return {f.code, f.what, false};
}
outcome reserves_on_a_socket(world&) {
    plain mine = own_socket(SOCK_DGRAM);
    failure f;
    const auto made = reserve_on(mine, some_block(), f);
    EXPECT_EQ(static_cast<bool>(made.token), !f);
    if (!f) release(mine, made.token, f);
    if (f && made.token) {
        const stands_apart apart;
        failure again;
        release(mine, made.token, again);
        EXPECT_FALSE(again) << again.what;
    }
    mine = plain();
    expect_let_go();
    return of(f);
}

outcome pools(world& w) {
    auto& result = w.begin();
    std::array<io_context*, 1> shards{&w.context};
    listener_pool pool(request_of("udp"), shards, {.grow_by = 2, .most = 4, .low_water = 0});
    pool.async_start([&result](error_code ec) { result = ec; });
    auto o = w.run();
    if (o.code) return with(o, pool.failure());
    {
        error_code ec;
        auto one = pool.open(0, ec);
        EXPECT_EQ(static_cast<bool>(one), !ec);
        o = of(ec);
    }
    w.begin();
    pool.async_stop([&result](error_code ec) { result = ec; });
    const auto stopped = w.run();
    return o.code ? o : stopped;
}
outcome shares_a_listener(world& w) {
    auto ports = reserved_apart("listener");
    auto port = ports.take();
    std::array<io_context*, 1> contexts{&w.context};
    error_code ec;
    auto shared = shared_listener::share(std::move(port), contexts, ec);
    EXPECT_EQ(static_cast<bool>(shared), !ec);
    shared.close();
    ports.reclaim();
    const stands_apart apart;
    ports.reclaim();
    EXPECT_EQ(ports.statistics().ports.available, 2U);
    return of(ec);
}
outcome runs_shards(world&, backend_choice backend) {
    shards all({.count = 2, .context = {.backend = backend, .entries = 64, .lent_buffer_count = 16}, .pin = true});
    std::atomic<int> ran{0};
    for (std::size_t i = 0; i < all.size(); ++i) {
        asio::post(all[i], [&] {
            if (++ran == 2) all.stop();
        });
    }
    all.start();
    all.join();
    EXPECT_EQ(ran, 2);
    return {};
}
outcome serves(world& w, bool by_coroutine) {
    auto& result = w.begin();
    server s(w.context);
    error_code ec;
    const auto at = s.listen({asio::ip::address_v4::loopback(), 0}, ec);
    if (ec) return of(ec);
    if (by_coroutine) {
        s.start([&w](connection c) -> asio::awaitable<void> {
            char byte = 0;
            co_await c.async_read_some(asio::buffer(&byte, 1), asio::use_awaitable);
            c.write(asio::buffer(&byte, 1));
            co_await c.async_flushed(asio::use_awaitable);
            ++w.count;
        }, ec);
    } else {
        connection_callbacks callbacks;
        callbacks.received = [](connection& c, asio::const_buffer b) {
            c.write(b);
            c.finish();
        };
        s.start(std::move(callbacks), ec);
    }
    if (ec) return of(ec);
    plain client;
    {
        const stands_apart apart;
        client = connected_plain(at.port());
        ::send(client, "x", 1, MSG_NOSIGNAL);
    }
    const auto end = std::chrono::steady_clock::now() + 300ms;
    const auto is_over = [&] { return s.statistics().ended + s.statistics().accept_errors + s.statistics().accept_backoffs != 0; };
    while (!is_over() && std::chrono::steady_clock::now() < end) {
        w.context.restart();
        w.context.run_one_for(20ms);
    }
    const auto books = s.statistics();
    EXPECT_EQ(books.accepted, books.active + books.ended);
    s.async_stop(100ms, [&result](error_code) { result = error_code(); });
    return w.run();
}
outcome takes_of_a_quota(world&) {
    quotas q({.each = 2});
    q.set_limit("a rather long name of somebody", 3);
    error_code ec;
    {
        const auto hold = q.take("another rather long name of somebody", 1, ec);
        EXPECT_EQ(static_cast<bool>(hold), !ec);
    }
    EXPECT_EQ(q.statistics().held, 0U);
    return of(ec);
}

std::vector<scenario> all_scenarios() {
    std::vector<scenario> all;
    add_io(all, "async_reserve_udp", [](world& w) { return reserves_later(w, "udp"); });
    add_io(all, "outbound_connect", connects_out);
    add_io(all, "outbound_async_connect", connects_out_later);
    for (auto one = all.end() - 4; one != all.end(); ++one) {
        one->also = {{asio::error::no_buffer_space}, "Asio's word for EAGAIN: no port is left to connect from"};
    }
    add_io(all, "take_udp_socket", takes_a_socket);
    add_io(all, "take_run_of_sockets", takes_a_run_of_sockets);
    add_io(all, "associate_bind_object", binds_an_object);
    add_io(all, "listener_pool", pools);
    add_io(all, "shared_listener", shares_a_listener);
    add_io(all, "server_of_coroutines", [](world& w) { return serves(w, true); });
    add_io(all, "server_of_callbacks", [](world& w) { return serves(w, false); });
    const auto add = [&](const char* name, const io_act& act) {
        add_io(all, name, act);
        all.pop_back();  // asks nothing of a loop, so one backend will do
    };
    add("associate_bind_udp", [](world& w) { return binds_own(w, "udp"); });
    add("associate_bind_listener", [](world& w) { return binds_own(w, "listener"); });
    add("reserve_on", reserves_on_a_socket);
    add("shards", [](world& w) { return runs_shards(w, backend_choice::io_uring); });
    add("shards_asio", [](world& w) { return runs_shards(w, backend_choice::asio); });
    add("quotas", takes_of_a_quota);
    for (scenario& s : all) {
        if (s.name.starts_with("associate")) {
            s.keeps_memory = "what was associated and never bound is forgotten when 256 of them were";
        } else if (s.name.starts_with("shards")) {
            s.also = {{errc::operation_not_supported}, "as io_context.hpp has it; its words name the call and the remedy"};
        } else if (s.name.starts_with("server_of_coroutines")) {
            s.needs_memory = "Asio 1.22 ends the program where a coroutine's own dispatch finds none";
        } else if (s.name.starts_with("reserve_on")) {
            s.also = {{errc::system_failure}, "the socket's inode, which its end is known by, comes without an errno"};
        } else if (s.name == "take_udp_socket_uring") {
            s.no_memory = "a draw takes none, and the context has had what a socket takes since its making";
        } else if (s.name.starts_with("quotas")) {
            s.no_calls = "it is a book, and asks nobody";
        }
    }
    return all;
}

BERTH_FAULTS(all_scenarios());

}  // namespace
}  // namespace berth::test
