// The ring's handle for somebody else's loop: kernels that have none, and the one case in which it is never quiet.
#include <poll.h>

#include <thread>

#include "unit/backend/uring_ground.hpp"

namespace berth_test {
namespace {

bool is_readable(berth::platform::native_socket handle, int milliseconds = 0) {
    ::pollfd waited{static_cast<int>(handle), POLLIN, 0};
    return ::poll(&waited, 1, milliseconds) == 1;
}

class uring_handle : public uring_ground {};
INSTANTIATE_TEST_SUITE_P(kernels, uring_handle, testing::ValuesIn(modes()), mode_name);

TEST_P(uring_handle, there_is_one_exactly_where_results_come_to_a_ring_at_rest) {
    std::error_code ec;
    const auto handle = ring->wait_handle(ec);
    if (!GetParam().limits.deferred_work) {
        EXPECT_EQ(ec, std::errc::operation_not_supported);
        EXPECT_EQ(handle, -1);
        return;
    }
    ASSERT_FALSE(ec) << ec.message();
    two p = stream_pair();
    auto a = attach(p.one);
    noted r(verb::receive, a.get(), true);
    ring->start(r);
    settle_down();
    ring->rest();
    for (int i = 0; i < 10 && is_readable(handle, 40); ++i) settle_down(), ring->rest();
    EXPECT_FALSE(is_readable(handle));
    write_to(p.other, "one");
    EXPECT_TRUE(is_readable(handle, 1000));
    settle_down();
    EXPECT_EQ(r.bytes, "one");
    std::thread([&] {  // another ring, which has to be heard as well
        settle_down();
        ring->rest();
    })
        .join();
    while (is_readable(handle)) settle_down(), ring->rest();
    write_to(p.other, "two");
    EXPECT_TRUE(is_readable(handle, 1000));
    settle_down();
    EXPECT_EQ(r.bytes, "onetwo");
    end(a);
}

TEST_P(uring_handle, it_stays_readable_while_something_waits_for_all_of_its_bytes) {
    std::error_code ec;
    const auto handle = ring->wait_handle(ec);
    if (ec) GTEST_SKIP() << ec.message();
    two p = stream_pair();
    auto a = attach(p.one);
    noted whole(verb::receive, a.get());
    whole.with_room(8).flags = MSG_WAITALL;
    ring->start(whole);
    for (int i = 0; i < 5; ++i) {
        settle_down();
        ring->rest();
        EXPECT_TRUE(is_readable(handle)) << "it was stopped, and only a look begins it again";
    }
    write_to(p.other, "12345678");
    for (int i = 0; i < 1000 && !whole.has_ended && is_readable(handle); ++i) settle_down(), ring->rest();
    EXPECT_EQ(whole.last(), 8);
    EXPECT_EQ(whole.bytes, "12345678");
    end(a);
}

TEST_P(uring_handle, it_is_one_descriptor_more_and_goes_with_the_ring) {
    const std::size_t before = open_descriptors();
    std::error_code ec;
    ring->wait_handle(ec);
    EXPECT_EQ(open_descriptors(), ec ? before : before + 1);
    ring->wait_handle(ec);
    EXPECT_EQ(open_descriptors(), ec ? before : before + 1);
    const std::size_t with_ring = open_descriptors();
    ring.reset();
    EXPECT_LT(open_descriptors(), with_ring);
    make({});
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace berth_test
