// Reservations on a loop, draws by destination, and callers' own sockets.
#include "faults/serving_ground.hpp"

namespace berth::test {
namespace {

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
    const auto add = [&](const char* name, const io_act& act) {
        add_io(all, name, act);
        all.pop_back();  // asks nothing of a loop, so one backend will do
    };
    add("associate_bind_udp", [](world& w) { return binds_own(w, "udp"); });
    add("associate_bind_listener", [](world& w) { return binds_own(w, "listener"); });
    add("reserve_on", reserves_on_a_socket);
    for (scenario& s : all) {
        if (s.name.starts_with("associate")) {
            s.keeps_memory = "what was associated and never bound is forgotten when 256 of them were";
        } else if (s.name.starts_with("reserve_on")) {
            s.also = {{errc::system_failure}, "the socket's inode, which its end is known by, comes without an errno"};
        } else if (s.name == "take_udp_socket_uring") {
            s.no_memory = "a draw takes none, and the context has had what a socket takes since its making";
        }
    }
    return all;
}

BERTH_FAULTS(all_scenarios());

}  // namespace
}  // namespace berth::test
