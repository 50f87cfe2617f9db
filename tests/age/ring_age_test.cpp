// A ring whose queues' 32-bit positions begin again under operations, their cancels and their results.
//
// The kernel counts too, so the way there has to be gone: entries that do nothing, some tens of nanoseconds each.
// BERTH_RING_OPERATIONS says how many (nightly: past 2^32); without it the positions pass 2^16.
#include "support/private_member.hpp"
#include "unit/backend/uring_ground.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace berth::test {

struct ring_of_backend {
    friend auto member(ring_of_backend);
};
template struct private_member<ring_of_backend, &berth::detail::uring_backend::ring_>;

}  // namespace berth::test

namespace {

using namespace berth_test;

class ring_age : public uring_ground {
protected:
    berth::detail::ring& entries() { return (*ring).*member(berth::test::ring_of_backend{}); }

    void do_nothing(std::uint64_t times) {
        auto& r = entries();
        for (std::uint64_t done = 0; done < times;) {
            std::uint32_t n = 0;
            for (; n < 128 && done < times; ++n, ++done) {
                ::io_uring_sqe* const entry = r.slot();
                ASSERT_NE(entry, nullptr);
                ::io_uring_prep_nop(entry);
                entry->user_data = tag::ignored;
            }
            ASSERT_GE(r.enter(n, nullptr), 0);
            ASSERT_GE(r.results(), n);
            r.forget(r.results());
        }
    }
    /// What is started, called off before and after it was handed over, and brings results.
    void use(int rounds) {
        two p = stream_pair();
        auto a = attach(p.one);
        for (int i = 0; i < rounds; ++i) {
            noted receive(verb::receive, a.get());
            receive.with_room(16);
            ring->start(receive);
            if (i % 3 != 0) settle_down(1);
            if (i % 3 == 2) {
                write_to(p.other, "word");
                ASSERT_TRUE(until([&] { return receive.has_ended; })) << "round " << i;
                ASSERT_EQ(receive.bytes, "word") << "round " << i;
            } else {
                ring->cancel(receive);
                ASSERT_TRUE(until([&] { return receive.has_ended; })) << "round " << i;
                ASSERT_EQ(receive.last(), aborted_result()) << "round " << i;
            }
        }
        end(a);
    }
};
INSTANTIATE_TEST_SUITE_P(kernels, ring_age, testing::Values(mode{"newest", {}}), mode_name);

TEST_P(ring_age, operations_and_cancels_go_on_where_the_queues_begin_again) {
    make({.entries = 256});
    if (ring == nullptr) return;
    std::uint64_t times = 1 << 17;
    if (const char* const asked = std::getenv("BERTH_RING_OPERATIONS"); asked != nullptr)
        std::from_chars(asked, asked + std::strlen(asked), times);
    settle_down();
    use(10);
    const std::uint32_t end = times > 0xffff'ffffu ? 0u : 0x1'0000u;  // where they begin again, or pass 16 bits
    const std::uint32_t here = entries().sequence();
    const std::uint64_t way = end - 100u - here;
    const auto begun = clock::now();
    do_nothing(end == 0 ? std::uint64_t{static_cast<std::uint32_t>(way)} : way);
    const std::chrono::duration<double> took = clock::now() - begun;
    std::cout << (end == 0 ? "2^32" : "2^16") << " entries in " << took.count() << " s\n";
    use(300);
    const std::uint32_t past = entries().sequence() - end;
    EXPECT_LT(past, 10'000u) << "they did not pass the place: this shows nothing";
}

}  // namespace
