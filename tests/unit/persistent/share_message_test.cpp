// The messages of a share: what is made can be read, and what nobody makes is refused. As message_test.cpp.
#include "persistent/share_message.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>
#include <random>

namespace berth::detail::test {
namespace {

std::vector<share_message> all_kinds() {
    std::vector<std::uint16_t> most(descriptors_per_message);
    std::iota(most.begin(), most.end(), std::uint16_t{65535 - descriptors_per_message + 1});
    std::vector<bool> held(13);
    held[0] = held[7] = held[12] = true;
    return {{.verb = share_verb::fetched, .id = ~0u, .number = 1, .ports = {1, 2, 65535}},
            {.verb = share_verb::fetched, .number = ~std::uint64_t{0}, .ports = most},
            {.verb = share_verb::recall, .count = 65536},
            {.verb = share_verb::recall_all},
            {.verb = share_verb::keep},
            {.verb = share_verb::restarted, .epoch = ~std::uint64_t{0}},
            {.verb = share_verb::give_back},
            {.verb = share_verb::give_back, .ports = {4000, 4002}},
            {.verb = share_verb::spoilt, .ports = {7}},
            {.verb = share_verb::holding, .held = held},
            {.verb = share_verb::holding, .epoch = 7, .number = ~std::uint64_t{0}, .held = held},
            {.verb = share_verb::holding, .held = std::vector<bool>(65536, true)}};
}

bool is_canonical(std::span<const std::byte> bytes) {
    const auto read = parse_share_message(bytes);
    if (!read) return true;
    const auto again = encode(*read);
    return std::equal(again.begin(), again.end(), bytes.begin(), bytes.end());
}

TEST(share_message, is_read_as_it_was_made) {
    for (const auto& m : all_kinds()) {
        const auto bytes = encode(m);
        EXPECT_LE(bytes.size(), most_share_message);
        EXPECT_EQ(parse_share_message(bytes), m) << int(m.verb);
    }
}

TEST(share_message, is_no_request_and_no_answer) {
    for (const auto& m : all_kinds()) {
        EXPECT_FALSE(parse_request(encode(m)));
        EXPECT_FALSE(parse_answer(encode(m)));
    }
    EXPECT_FALSE(parse_share_message(encode(service_request{.kind = request_kind::fetch, .block = {0, 5}})));
    EXPECT_FALSE(parse_share_message(encode(service_answer{})));
}

TEST(share_message, every_other_size_is_refused) {
    for (const auto& m : all_kinds()) {
        auto bytes = encode(m);
        const auto right = bytes.size();
        bytes.resize(right + 20);
        for (std::size_t size = 0; size <= std::min<std::size_t>(bytes.size(), 700); ++size) {
            EXPECT_EQ(parse_share_message(std::span(bytes).first(size)).has_value(), size == right) << size;
        }
    }
}

TEST(share_message, every_byte_with_every_value) {
    for (const auto& m : all_kinds()) {
        auto bytes = encode(m);
        if (bytes.size() > 600) continue;
        for (auto& b : bytes) {
            const auto right = b;
            for (int value = 0; value < 256; ++value) {
                b = static_cast<std::byte>(value);
                ASSERT_TRUE(is_canonical(bytes)) << int(m.verb) << " byte " << &b - bytes.data() << " = " << value;
            }
            b = right;
        }
    }
}

TEST(share_message, what_is_out_of_its_bounds_is_refused) {
    const auto refuses = [](const share_message& m) { return !parse_share_message(encode(m)); };
    EXPECT_TRUE(refuses({.verb = share_verb{0}}));
    EXPECT_TRUE(refuses({.verb = share_verb{9}}));
    EXPECT_TRUE(refuses({.verb = share_verb::fetched, .number = 1})) << "none";
    EXPECT_TRUE(refuses({.verb = share_verb::fetched, .number = 1, .ports = {2, 1}})) << "descending";
    EXPECT_TRUE(refuses({.verb = share_verb::fetched, .ports = {1, 2}})) << "without a number";
    EXPECT_TRUE(refuses({.verb = share_verb::restarted})) << "without an epoch";
    EXPECT_TRUE(refuses({.verb = share_verb::give_back, .epoch = 1}));
    EXPECT_TRUE(refuses({.verb = share_verb::give_back, .number = 1}));
    EXPECT_TRUE(refuses({.verb = share_verb::give_back, .ports = {2, 2}})) << "twice";
    EXPECT_TRUE(refuses({.verb = share_verb::give_back, .ports = {0}})) << "port 0";
    EXPECT_TRUE(refuses({.verb = share_verb::give_back, .id = 1})) << "fetched's alone";
    EXPECT_TRUE(refuses({.verb = share_verb::recall})) << "nothing";
    EXPECT_TRUE(refuses({.verb = share_verb::recall, .count = 65537}));
    EXPECT_TRUE(refuses({.verb = share_verb::restarted, .count = 1, .epoch = 1}));
    EXPECT_TRUE(refuses({.verb = share_verb::holding})) << "of no block";
}

// Random bytes, and good messages with some bytes changed. BERTH_FUZZ: how many.
TEST(share_message, random_bytes) {
    const char* const wanted = std::getenv("BERTH_FUZZ");
    const long rounds = wanted == nullptr ? 500'000 : std::strtol(wanted, nullptr, 10);
    std::mt19937_64 random(std::random_device{}());
    std::vector<std::vector<std::byte>> good;
    for (const auto& m : all_kinds()) {
        if (encode(m).size() < 600) good.push_back(encode(m));
    }
    long accepted = 0;
    for (long i = 0; i < rounds; ++i) {
        auto bytes = good[random() % good.size()];
        if (i % 8 == 0) {
            for (auto& b : bytes) b = static_cast<std::byte>(random());
        } else if (i % 8 == 1) {
            bytes.resize(random() % 600);
        } else {
            for (auto n = random() % 4; n != 0; --n)
                bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        }
        ASSERT_TRUE(is_canonical(bytes));
        accepted += parse_share_message(bytes).has_value();
    }
    EXPECT_GT(accepted, 0);
    EXPECT_LT(accepted, rounds);
}

}  // namespace
}  // namespace berth::detail::test
