// What draws promise: the key stream is the published one, ports come evenly, threads differ.
#include "claim/draw_source.hpp"

#include "claim/claim_set.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace {

using namespace berth::claim;

TEST(draw_source, key_stream_is_that_of_the_rfc) {
    // RFC 8439, section 2.3.2: key 00 01 .. 1f, counter 1.
    key_words key;
    for (std::uint32_t i = 0; i < 8; ++i) key[i] = 0x03020100u + i * 0x04040404u;
    const std::array<std::uint32_t, 16> expected = {
        0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
        0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
    const std::array<std::uint32_t, 3> nonce = {0x09000000, 0x4a000000, 0};
    for (std::uint32_t lane = 0; lane < key_stream_lanes; ++lane) {
        const key_stream_blocks blocks = key_stream<20>(key, 1 - lane, nonce);
        for (std::size_t w = 0; w < 16; ++w) EXPECT_EQ(blocks[w][lane], expected[w]) << "lane " << lane;
    }
}

std::array<std::uint16_t, 32> draws() {
    std::array<std::uint16_t, 32> out{};
    for (auto& bits : out) bits = next_draw().bits;
    return out;
}

TEST(draw_source, threads_draw_different_ports) {
    const auto mine = draws();
    std::array<std::uint16_t, 32> theirs{};
    std::thread([&] { theirs = draws(); }).join();
    EXPECT_NE(mine, theirs);
}

TEST(draw_source, live_threads_have_different_numbers_and_ended_ones_give_theirs_up) {
    const std::uint8_t mine = next_draw().number;
    for (int turn = 0; turn < 200; ++turn) {
        std::uint8_t theirs = mine;
        std::thread([&] { theirs = next_draw().number; }).join();
        ASSERT_NE(theirs, mine);
        ASSERT_LT(theirs, 3) << "numbers are used up";
    }
}

TEST(draw_source, buffers_do_not_repeat) {
    // 65 draws of 16 bits: two equal windows would mean a buffer that was used twice.
    const auto first = draws();
    for (int i = 0; i < 2000; ++i) ASSERT_NE(draws(), first);
}

TEST(claim_set, a_lone_thread_draws_ports_evenly) {
    constexpr std::uint32_t count = 100;
    constexpr double expected = 1000;
    claim_set set{20001, count, berth::draw_order::random};
    for (std::uint32_t i = 0; i < count; ++i) set.put_back(i);
    std::vector<double> times(count);
    for (int i = 0; i < count * expected; ++i) {
        const std::uint32_t index = set.claim();
        ++times.at(index);
        set.put_back(index);
    }
    double chi_square = 0;
    for (const double n : times) chi_square += (n - expected) * (n - expected) / expected;
    EXPECT_LT(chi_square, 200) << "99 degrees of freedom: by chance below 1e-8";
}

}  // namespace
