// Pools, listeners that are shared, shards, servers and quotas.
#include "faults/serving_ground.hpp"

#include <berth/quotas.hpp>

#include <array>

namespace berth::test {
namespace {

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
    add_io(all, "listener_pool", pools);
    add_io(all, "shared_listener", shares_a_listener);
    add_io(all, "server_of_coroutines", [](world& w) { return serves(w, true); });
    add_io(all, "server_of_callbacks", [](world& w) { return serves(w, false); });
    const auto add = [&](const char* name, const io_act& act) {
        add_io(all, name, act);
        all.pop_back();  // asks nothing of a loop, so one backend will do
    };
    add("shards", [](world& w) { return runs_shards(w, backend_choice::io_uring); });
    add("shards_asio", [](world& w) { return runs_shards(w, backend_choice::asio); });
    add("quotas", takes_of_a_quota);
    for (scenario& s : all) {
        if (s.name.starts_with("shards")) {
            s.also = {{errc::operation_not_supported}, "as io_context.hpp has it; its words name the call and the remedy"};
        } else if (s.name.starts_with("server_of_coroutines")) {
            s.needs_memory = "Asio 1.22 ends the program where a coroutine's own dispatch finds none";
        } else if (s.name.starts_with("quotas")) {
            s.no_calls = "it is a book, and asks nobody";
        }
    }
    return all;
}

BERTH_FAULTS(all_scenarios());

}  // namespace
}  // namespace berth::test
