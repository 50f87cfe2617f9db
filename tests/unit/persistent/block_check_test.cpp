// What a persistent block must be: each condition of the documents' once, with its words, and the blocks at the
// edges.
#include "persistent/block_check.hpp"

#include <gtest/gtest.h>

#include <string>

namespace berth::detail::test {
namespace {

TEST(block_check, a_block_of_tcp_or_udp_that_ends_at_port_65535_is_good) {
    for (const auto protocol : {transport::tcp, transport::udp}) {
        EXPECT_FALSE(check_persistent({1, 1}, protocol));
        EXPECT_FALSE(check_persistent({1, 65535}, protocol));
        EXPECT_FALSE(check_persistent({65535, 1}, protocol));
    }
}

TEST(block_check, what_is_none_says_what_to_do) {
    const auto says = [](const port_block& block, transport protocol, const std::string& words) {
        const auto f = check_persistent(block, protocol);
        EXPECT_NE(f.what.find(words), std::string::npos) << f.what;
        return f.code == errc::invalid_argument;
    };
    EXPECT_TRUE(says({5000, 10}, transport::tcp_and_udp, "make one for each"));
    EXPECT_TRUE(says({5000, 0}, transport::tcp, "at least one"));
    EXPECT_TRUE(says({0, 10}, transport::udp, "needs a first port"));
    EXPECT_TRUE(says({65530, 7}, transport::udp, "7 ports from 65530 runs past port 65535; at most 6 fit"));
    EXPECT_TRUE(says({1, 65536}, transport::tcp, "at most 65535 fit"));
}

}  // namespace
}  // namespace berth::detail::test
