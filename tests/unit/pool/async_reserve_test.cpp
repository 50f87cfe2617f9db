// async_reserve: what it brings is what reserve brings, on every executor; called off, it leaves nothing.
//
// Blocks and refusals are compared with those of the sync form, on both backends and every way to reserve. That
// nothing is left is what the oracle says, and the count of this process's descriptors.
#include "scenario/failing_ground.hpp"
#include "unit/io/by_backend.hpp"

#include <berth/async_reserve.hpp>

#include <asio.hpp>

#include <optional>
#include <thread>

namespace {

using namespace io_test;
using berth::failure;
using berth::port_reservation;
using berth::reservation_request;
using namespace berth::test;

struct outcome {
    error_code ec;
    failure why;
    port_reservation ports;
    bool ended = false;
    auto handler() {
        return [this](error_code e, port_reservation r) { ec = e, ports = std::move(r), ended = true; };
    }
};

class async_reserve : public by_backend {
protected:
    outcome reserve(const reservation_request& request) {
        outcome o;
        port_reservation::async_reserve(context(), request, o.why, o.handler());
        EXPECT_FALSE(o.ended) << "never from inside the call";
        run();
        EXPECT_TRUE(o.ended);
        return o;
    }
};
BERTH_BY_BACKEND(async_reserve);

TEST_P(async_reserve, brings_what_the_sync_form_brings) {
    for (const auto& w : all_ways()) {
        const auto block = free_block(24);
        auto request = request_for(w, block);
        auto sync = port_reservation::reserve(request);
        const auto books = sync.statistics().ports;
        const auto sockets = sockets_of_both(block);
        sync.release();
        ASSERT_EQ(sockets_of_both(block), 0u);

        auto o = reserve(request);
        ASSERT_FALSE(o.ec) << w << ": " << o.why.what;
        EXPECT_FALSE(o.why);
        EXPECT_EQ(o.ports.block(), block);
        EXPECT_TRUE(o.ports.token());
        EXPECT_EQ(o.ports.statistics().ports.available, books.available) << w;
        EXPECT_EQ(sockets_of_both(block), sockets) << w;
        auto taken =
            o.ports.take(w.protocol == berth::transport::udp ? berth::transport::udp : berth::transport::tcp, o.ec);
        EXPECT_TRUE(taken) << o.ec.message();
        taken.give_back(o.ec);
        o.ports.release();
        EXPECT_EQ(sockets_of_both(block), 0u) << w;
    }
}

TEST_P(async_reserve, finds_a_wildcard_block) {
    for (const auto& w : all_ways()) {
        auto o = reserve(request_for(w, {0, 40}));
        ASSERT_FALSE(o.ec) << w << ": " << o.why.what;
        EXPECT_EQ(o.ports.block().count, 40u);
        EXPECT_GE(o.ports.block().first, 1024);
        EXPECT_GE(sockets_of_both(o.ports.block()), 80u) << w;
        o.ports.release();
    }
}

TEST_P(async_reserve, is_refused_in_the_same_words) {
    std::vector<reservation_request> refused;
    const auto ask = [&](auto change) {
        reservation_request r;
        r.block = {0, 16};
        change(r);
        refused.push_back(r);
    };
    const auto block = free_block(16);
    auto other = port_reservation::reserve(request_for(all_ways().front(), {block.first, 16}));
    ask([&](auto& r) { r.block = {static_cast<std::uint16_t>(block.first + 3), 2}; });  // in use
    ask([](auto& r) { r.block = {0, 0}; });
    ask([](auto& r) { r.block = {65535, 2}; });
    ask([](auto& r) { r.block = {0, 65535}; });  // no such run
    ask([](auto& r) { r.backlog = 0; });
    ask([](auto& r) { r.family = berth::address_family::ipv6, r.address = asio::ip::make_address("127.0.0.1"); });
    ask([](auto& r) { r.address = asio::ip::make_address("203.0.113.7"); });
    for (const auto& r : refused) {
        failure expected;
        EXPECT_FALSE(port_reservation::reserve(r, expected));
        ASSERT_TRUE(expected);
        const auto o = reserve(r);
        EXPECT_EQ(o.ec, expected.code) << expected.what;
        EXPECT_EQ(o.why.code, expected.code);
        EXPECT_EQ(o.why.what, expected.what);
        EXPECT_EQ(o.why.count, expected.count);
        EXPECT_EQ(o.why.port, expected.port);
        EXPECT_FALSE(o.ports);
    }
    other.release();
}

TEST_P(async_reserve, cancelled_at_any_turn_leaves_nothing) {
    for (const auto& w : all_ways()) {
        const auto block = free_block(24);
        const auto before = descriptors_now();
        int called_off = 0;
        for (std::size_t turns = 0;; turns += 2) {
            ASSERT_LT(turns, 1000u) << "it never gets through";
            asio::cancellation_signal signal;
            outcome o;
            port_reservation::async_reserve(context(), request_for(w, block), o.why,
                                            asio::bind_cancellation_slot(signal.slot(), o.handler()));
            for (std::size_t i = 0; i < turns && !o.ended; ++i) context().run_one();
            if (!o.ended) signal.emit(asio::cancellation_type::terminal);
            run();
            ASSERT_TRUE(o.ended);
            if (!o.ec) {
                EXPECT_EQ(o.ports.statistics().ports.available,
                          w.protocol == berth::transport::tcp_and_udp ? 48u : 24u);
                o.ports.release();
                break;
            }
            ++called_off;
            EXPECT_EQ(o.ec, asio::error::operation_aborted);
            EXPECT_FALSE(o.why.what.empty());
            EXPECT_FALSE(o.ports);
            ASSERT_EQ(descriptors_now(), before) << w << " after turn " << turns;
            if (turns % 4 == 0) {
                ASSERT_EQ(sockets_of_both(block), 0u) << w << " after turn " << turns;
            }
        }
        EXPECT_GE(called_off, 4) << w;
    }
}

TEST_P(async_reserve, a_context_that_ends_meanwhile_lets_go_of_everything) {
    const auto block = free_block(64);
    const auto before = descriptors_now();
    bool called = false;
    {
        berth::io_context mine({.backend = GetParam()});
        port_reservation::async_reserve(mine, request_for(all_ways().front(), block),
                                        [&](error_code, port_reservation) { called = true; });
        for (int i = 0; i < 4; ++i) mine.run_one();
        EXPECT_GT(sockets_of_both(block), 0u) << "half-way";
    }
    EXPECT_FALSE(called);
    EXPECT_EQ(sockets_of_both(block), 0u);
    EXPECT_EQ(descriptors_now(), before);
}

TEST_P(async_reserve, is_awaited_like_anything_else) {
    std::uint32_t count = 0;
    std::string text;
    asio::co_spawn(
        context(),
        [&]() -> asio::awaitable<void> {
            reservation_request r;
            r.block.count = 12;
            auto ports =
                co_await port_reservation::async_reserve(co_await asio::this_coro::executor, r, asio::use_awaitable);
            count = ports.block().count;
            failure why;
            r.block.count = 0;
            try {
                co_await port_reservation::async_reserve(context(), r, why, asio::use_awaitable);
            } catch (const std::system_error& e) {
                EXPECT_EQ(e.code(), berth::errc::invalid_argument);
            }
            text = why.what;
        },
        [](std::exception_ptr e) {
            if (e) std::rethrow_exception(e);
        });
    run();
    EXPECT_EQ(count, 12u);
    EXPECT_NE(text.find("block.count"), std::string::npos);
}

TEST_P(async_reserve, works_in_one_executor_and_completes_in_another) {
    asio::thread_pool pool(1);
    reservation_request r;
    r.block.count = 300;
    bool here = false;
    std::optional<port_reservation> ports;
    port_reservation::async_reserve(pool, r, asio::bind_executor(context(), [&](error_code ec, port_reservation p) {
                                        EXPECT_FALSE(ec);
                                        here = context().get_executor().running_in_this_thread();
                                        ports = std::move(p);
                                    }));
    run();  // the context is kept busy for as long as the pool works
    EXPECT_TRUE(here);
    ASSERT_TRUE(ports);
    EXPECT_EQ(ports->block().count, 300u);
}

TEST(async_reserve_elsewhere, runs_on_executors_that_are_not_ours) {
    reservation_request r;
    r.block.count = 32;
    asio::thread_pool pool(2);
    auto ports = port_reservation::async_reserve(pool, r, asio::use_future).get();
    EXPECT_EQ(ports.block().count, 32u);
    auto strand = asio::make_strand(pool.get_executor());
    ports = port_reservation::async_reserve(strand, r, asio::use_future).get();
    EXPECT_TRUE(ports);
    const asio::any_io_executor any = pool.get_executor();
    ports = port_reservation::async_reserve(any, r, asio::use_future).get();
    EXPECT_TRUE(ports);

    asio::io_context theirs;
    port_reservation::async_reserve(theirs, r, [&](error_code ec, port_reservation p) {
        EXPECT_FALSE(ec);
        ports = std::move(p);
    });
    theirs.run();  // has work until the end
    EXPECT_TRUE(ports);
}

}  // namespace
