// async_reserve and reserve over a system whose acquires are pending.
#include "conformance/windows/async_ground.hpp"
#include "platform/windows/runtime_reservation.hpp"

namespace provider_contract {

place& here() {
    static place one;
    return one;
}

}  // namespace provider_contract

// In the library's place.
berth::platform::port_provider& berth::platform::system_provider() noexcept {
    return provider_contract::here().provider;
}

namespace provider_contract {
namespace {

TYPED_TEST_SUITE(windows_async_on, both_contexts);

TYPED_TEST(windows_async_on, a_pending_acquire_takes_no_turns_and_its_end_is_noticed) {
    TypeParam context;
    outcome o;
    port_reservation::async_reserve(context, this->four, o.why, o.handler());
    ASSERT_TRUE(this->run_until_pending(context, 1));
    context.poll();
    std::size_t turns = 0;
    for (int i = 0; i < 100; ++i) {
        turns += context.poll();
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_EQ(turns, 0u);
    EXPECT_FALSE(context.stopped()) << "it is outstanding work";
    EXPECT_EQ(threads_now(), this->threads_before + 1);
    EXPECT_EQ(o.ends, 0);
    EXPECT_EQ(this->machine.reservations(), 0u);
    std::thread later([this] {
        std::this_thread::sleep_for(50ms);
        this->system.finish();
    });
    context.run();
    later.join();
    EXPECT_EQ(o.ends, 1);
    ASSERT_FALSE(o.ec) << o.why.what;
    EXPECT_EQ(o.ports.block().count, 4u);
    EXPECT_EQ(o.ports.available(), 4u);
    EXPECT_EQ(this->machine.reservations(), 1u);
    o.ports.release();
}

TYPED_TEST(windows_async_on, what_ends_at_once_comes_by_the_port_too) {
    this->system.completes_later = false;
    TypeParam context;
    for (int i = 0; i < 20; ++i) {
        outcome o;
        context.restart();
        port_reservation::async_reserve(context, this->four, o.why, o.handler());
        context.run();
        EXPECT_EQ(o.ends, 1);
        ASSERT_FALSE(o.ec) << o.why.what;
        o.ports.release();
    }
}

TYPED_TEST(windows_async_on, called_off_while_pending_it_ends_at_once_and_holds_nothing) {
    TypeParam context;
    asio::cancellation_signal signal;
    outcome o;
    port_reservation::async_reserve(context, this->four, o.why,
                                    asio::bind_cancellation_slot(signal.slot(), o.handler()));
    ASSERT_TRUE(this->run_until_pending(context, 1));
    context.poll();
    const auto began = std::chrono::steady_clock::now();
    signal.emit(asio::cancellation_type::terminal);
    context.run();
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
    EXPECT_EQ(o.ends, 1);
    EXPECT_EQ(o.ec, asio::error::operation_aborted);
    EXPECT_FALSE(o.why.what.empty());
    EXPECT_FALSE(o.ports);
    EXPECT_EQ(this->system.pending(), 0u);
    EXPECT_EQ(this->machine.reservations(), 0u);
}

TYPED_TEST(windows_async_on, a_context_that_ends_meanwhile_lets_go_and_waits_for_the_call_s_end) {
    const auto alive = std::make_shared<int>();
    bool called = false;
    {
        TypeParam context;
        auto strand = asio::make_strand(context.get_executor());
        for (int i = 0; i < 2; ++i) {
            port_reservation::async_reserve(context, this->four,
                                            [alive, &called](error_code, port_reservation) { called = true; });
        }
        port_reservation::async_reserve(strand, this->four,
                                        [alive, &called](error_code, port_reservation) { called = true; });
        ASSERT_TRUE(this->run_until_pending(context, 3));
        context.poll();
        EXPECT_EQ(alive.use_count(), 4);
    }
    EXPECT_FALSE(called);
    EXPECT_EQ(alive.use_count(), 1) << "the handlers are gone";
    EXPECT_EQ(this->system.pending(), 0u);
    EXPECT_EQ(this->machine.reservations(), 0u);
}

TYPED_TEST(windows_async_on, several_are_pending_at_once_and_one_thread_waits_for_them_all) {
    TypeParam context;
    std::vector<outcome> all(6);
    for (std::size_t i = 0; i < all.size(); ++i) {
        reservation_request r{.block = {0, 3},
                              .protocol = i % 2 != 0 ? berth::transport::tcp : berth::transport::udp};
        port_reservation::async_reserve(context, r, all[i].why, all[i].handler());
    }
    ASSERT_TRUE(this->run_until_pending(context, all.size()));
    EXPECT_EQ(threads_now(), this->threads_before + 1);
    this->system.finish();
    context.run();
    for (auto& o : all) {
        EXPECT_EQ(o.ends, 1);
        ASSERT_FALSE(o.ec) << o.why.what;
    }
    EXPECT_EQ(this->machine.reservations(), all.size());
    for (auto& o : all) o.ports.release();
}

TYPED_TEST(windows_async_on, both_protocols_wait_one_after_the_other) {
    TypeParam context;
    outcome o;
    port_reservation::async_reserve(context, {.block = {0, 2}, .protocol = berth::transport::tcp_and_udp}, o.why,
                                    o.handler());
    for (int i = 0; i < 1000 && o.ends == 0; ++i) {
        context.poll();
        this->system.finish();
        std::this_thread::sleep_for(1ms);
    }
    EXPECT_EQ(o.ends, 1);
    ASSERT_FALSE(o.ec) << o.why.what;
    EXPECT_EQ(this->machine.reservations(), 2u);
    o.ports.release();
}

TYPED_TEST(windows_async_on, a_late_refusal_is_told_like_an_early_one) {
    const auto stranger = make_winsock_socket(AF_INET, SOCK_DGRAM);
    ASSERT_EQ(bind_to(*stranger, AF_INET, false, 0), 0);
    const std::uint16_t taken = local_port(*stranger);
    for (const bool is_late : {false, true}) {
        this->system.completes_later = is_late;
        TypeParam context;
        outcome o;
        port_reservation::async_reserve(context, {.block = {taken, 1}}, o.why, o.handler());
        for (int i = 0; i < 1000 && o.ends == 0; ++i) {
            context.poll();
            this->system.finish();
            std::this_thread::sleep_for(1ms);
        }
        EXPECT_EQ(o.ends, 1);
        EXPECT_EQ(o.ec, berth::errc::block_unavailable) << o.why.what;
        EXPECT_EQ(o.why.port, taken);
        EXPECT_FALSE(o.ports);
    }
}

TEST_F(windows_async, a_pool_of_threads_works_like_one) {
    asio::thread_pool pool(2);
    std::atomic<int> done = 0, refused = 0;
    for (int i = 0; i < 8; ++i) {
        port_reservation::async_reserve(pool, {.block = {0, 2}}, [&](error_code ec, port_reservation r) {
            ++(ec ? refused : done);
            r.release();
        });
    }
    const bool all = becomes([&] { return system.finish(), done + refused == 8; });
    EXPECT_TRUE(all);
    EXPECT_EQ(done, 8);
    pool.join();
}

TEST_F(windows_async, the_sync_form_waits_for_the_call_s_end) {
    std::atomic<bool> is_over = false;
    failure f;
    port_reservation ports;
    std::thread caller([&] {
        ports = port_reservation::reserve(four, f);
        is_over = true;
    });
    EXPECT_TRUE(becomes([&] { return system.pending() == 1; }));
    std::this_thread::sleep_for(100ms);
    EXPECT_FALSE(is_over);
    EXPECT_EQ(threads_now(), threads_before + 1) << "the caller's alone";
    system.finish();
    caller.join();
    ASSERT_FALSE(f) << f.what;
    EXPECT_EQ(ports.available(), 4u);
    EXPECT_EQ(machine.reservations(), 1u);
    ports.release();
}

// Wine refuses the acquire after it said that it is pending; Windows grants it.
TEST(windows_completion_port, the_real_system_s_answer_comes_to_it) {
    struct final_waker final : berth::detail::waker {
        void wake() noexcept override { ++wakes; }
        std::atomic<int> wakes = 0;
    } waker;
    auto& real = berth::platform::real_windows_calls();
    berth::platform::acquire_watch watch(real);
    berth::platform::runtime_reservation one(real, AF_INET, false);
    int r = one.begin({.first = 0, .count = 1}, watch, waker);
    for (int i = 0; i < 1000 && r == -WSA_IO_PENDING; ++i) {
        std::this_thread::sleep_for(5ms);
        if (waker.wakes != 0) r = one.begin({.first = 0, .count = 1}, watch, waker);
    }
    EXPECT_TRUE(r == 0 || r == -WSAEOPNOTSUPP) << r;
    EXPECT_LE(waker.wakes, 1);
    EXPECT_EQ(one.is_held(), r == 0);
    EXPECT_FALSE(one.is_waiting());
}

TEST(windows_completion_port, what_wine_refuses_late_does_not_hold_the_first_look_up) {
    berth::platform::windows_provider real(berth::platform::real_windows_calls());
    const auto began = std::chrono::steady_clock::now();
    const auto c = real.facts(berth::parking::best);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
    EXPECT_TRUE(c.can_reserve);
}

}  // namespace
}  // namespace provider_contract
