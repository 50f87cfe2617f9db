// What an idle connection costs, added up: the figure that bench/loopback measures cannot grow unnoticed.
//
// Each size is what it is today. Who has to raise one looks at what bench/loopback says of an idle connection, which is
// promised to take no more than 256 bytes with the session object and what the allocators add.
#include "backend/recycled_memory.hpp"
#include "backend/uring/uring_backend.hpp"

#include <berth/tcp_writer.hpp>

#include <gtest/gtest.h>

namespace {

using namespace berth::detail;

struct session {
    explicit session(berth::tcp_socket s) : socket(std::move(s)), writer(socket) {}
    berth::tcp_socket socket;
    berth::tcp_writer writer;
};
inline auto handler_of(session* s) {
    return [s](berth::error_code, berth::lent_buffer bytes) { s->writer.write(std::move(bytes)); };
}
using receive_each = ongoing_operation<lending_work, decltype(handler_of(nullptr))>;

TEST(uring_sizes, an_idle_connection_takes_no_more_than_promised) {
    if (sizeof(void*) != 8) GTEST_SKIP() << "the figures are those of 64 bits";
    EXPECT_EQ(sizeof(operation), 64U);
    EXPECT_EQ(sizeof(receive_each), 80U) << "an operation, its loop and its handler";
    EXPECT_EQ(sizeof(attachment), 48U);
    EXPECT_EQ(sizeof(uring_socket), 80U);
    EXPECT_EQ(sizeof(berth::tcp_socket), 24U);
    EXPECT_EQ(sizeof(berth::tcp_writer), 24U);
    constexpr std::size_t between_blocks_of_malloc = 16;
    const std::size_t all = recycled_memory::rounded(sizeof(receive_each)) +
                            recycled_memory::rounded(sizeof(uring_socket)) + sizeof(session) +
                            between_blocks_of_malloc;
    EXPECT_LE(all, 224U);
}

TEST(uring_sizes, memory_of_small_things_is_hardly_rounded) {
    EXPECT_EQ(recycled_memory::rounded(80), 80U);
    EXPECT_EQ(recycled_memory::rounded(81), 96U);
    EXPECT_EQ(recycled_memory::rounded(256), 256U);
    EXPECT_EQ(recycled_memory::rounded(257), 320U);
}

}  // namespace
