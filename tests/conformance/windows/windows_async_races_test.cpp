// The end of a pending acquire meets a cancellation, or its context's end.
#include "conformance/windows/async_ground.hpp"

#include <iostream>
#include <random>

namespace provider_contract {
namespace {

template <class Context>
class windows_async_races : public windows_async {};
TYPED_TEST_SUITE(windows_async_races, both_contexts);

TYPED_TEST(windows_async_races, an_end_that_races_the_cancellation_is_one_end) {
    TypeParam context;
    std::mt19937 random(7);
    int done = 0, called_off = 0;
    for (int i = 0; i < 300; ++i) {
        asio::cancellation_signal signal;
        outcome o;
        context.restart();
        port_reservation::async_reserve(context, {.block = {0, 1}}, o.why,
                                        asio::bind_cancellation_slot(signal.slot(), o.handler()));
        ASSERT_TRUE(this->run_until_pending(context, 1));
        std::atomic<bool> is_there = false, go = false;
        const unsigned pause = random() % 100, own_pause = random() % 400;
        std::thread ends([&] {
            is_there = true;
            while (!go) std::this_thread::yield();
            for (unsigned p = 0; p < pause * 50; ++p) go.load();
            this->system.finish();
        });
        while (!is_there) std::this_thread::yield();
        go = true;
        for (unsigned p = 0; p < own_pause; ++p) std::this_thread::yield();
        for (unsigned p = 0; i % 2 != 0 && p < own_pause; ++p) context.poll();
        signal.emit(asio::cancellation_type::terminal);
        context.run();
        ends.join();
        ASSERT_EQ(o.ends, 1) << i;
        if (o.ec) {
            EXPECT_EQ(o.ec, asio::error::operation_aborted) << o.why.what;
            EXPECT_FALSE(o.ports);
            ++called_off;
        } else {
            ++done;
            o.ports.release();
        }
        ASSERT_EQ(this->machine.reservations(), 0u) << i;
        ASSERT_LE(here().calls.open_things(), this->sockets_before + 1) << i;
    }
    std::cout << done << " came to their end, " << called_off << " were called off\n";
    EXPECT_GT(called_off, 0);
    EXPECT_GT(done, 0);
}

TYPED_TEST(windows_async_races, an_end_that_races_the_context_s_end_leaves_nothing) {
    const auto alive = std::make_shared<int>();
    for (int i = 0; i < 100; ++i) {
        std::thread ends;
        {
            TypeParam context;
            port_reservation::async_reserve(context, {.block = {0, 1}}, [alive](error_code, port_reservation) {});
            ASSERT_TRUE(this->run_until_pending(context, 1));
            ends = std::thread([this, i] {
                if (i % 4 != 0) std::this_thread::sleep_for(std::chrono::microseconds(i * 3));
                this->system.finish();
            });
            if (i % 2 != 0) std::this_thread::sleep_for(100us);
        }
        ends.join();
        ASSERT_EQ(alive.use_count(), 1) << i;
        ASSERT_EQ(this->machine.reservations(), 0u) << i;
    }
}

}  // namespace
}  // namespace provider_contract
