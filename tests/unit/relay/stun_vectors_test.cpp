// The test vectors of RFC 5769 and of RFC 8489's appendix B: read, judged, and written again byte by byte.
#include "stun_writer.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

namespace {

using namespace relay;

std::vector<std::uint8_t> bytes_from(std::string_view hex) {
    std::vector<std::uint8_t> bytes;
    std::string digits;
    std::copy_if(hex.begin(), hex.end(), std::back_inserter(digits), [](char c) { return c != ' ' && c != '\n'; });
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return bytes;
}

const std::string short_term_password = "VOkJxbRl1RmTxUk/WvJxBt";
const asio::ip::udp::endpoint mapped_v4(asio::ip::make_address("192.0.2.1"), 32853);
const asio::ip::udp::endpoint mapped_v6(asio::ip::make_address("2001:db8:1234:5678:11:2233:4455:6677"), 32853);

const std::string request_vector = R"(
    00 01 00 58 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 10 53 54 55 4e 20 74 65 73 74 20 63 6c 69 65 6e 74
    00 24 00 04 6e 00 01 ff
    80 29 00 08 93 2f f9 b1 51 26 3b 36
    00 06 00 09 65 76 74 6a 3a 68 36 76 59 20 20 20
    00 08 00 14 9a ea a7 0c bf d8 cb 56 78 1e f2 b5 b2 d3 f2 49 c1 b5 71 a2
    80 28 00 04 e5 7a 3b cf)";
const std::string response_v4_vector = R"(
    01 01 00 3c 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 08 00 01 a1 47 e1 12 a6 43
    00 08 00 14 2b 91 f5 99 fd 9e 90 c3 8c 74 89 f9 2a f9 ba 53 f0 6b e7 d7
    80 28 00 04 c0 7d 4c 96)";
const std::string response_v6_vector = R"(
    01 01 00 48 21 12 a4 42 b7 e7 a7 01 bc 34 d6 86 fa 87 df ae
    80 22 00 0b 74 65 73 74 20 76 65 63 74 6f 72 20
    00 20 00 14 00 02 a1 47 01 13 a9 fa a5 d3 f1 79 bc 25 f4 b5 be d2 b9 d9
    00 08 00 14 a3 82 95 4e 4b e6 7b f1 17 84 c9 7c 82 92 c2 75 bf e3 ed 41
    80 28 00 04 c8 fb 0b 4c)";
const std::string long_term_vector = R"(
    00 01 00 60 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 06 00 12 e3 83 9e e3 83 88 e3 83 aa e3 83 83 e3 82 af e3 82 b9 00 00
    00 15 00 1c 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33 34 6f 4c 39 46 53 54 76 79 36 34 73 41
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 08 00 14 f6 70 24 65 6d d6 4a 3e 02 b8 e0 71 2e 85 c9 a2 8c a8 96 66)";
const std::string sha256_vector = R"(
    00 01 00 90 21 12 a4 42 78 ad 34 33 c6 ad 72 c0 29 da 41 2e
    00 1e 00 20 4a 3c f3 8f ef 69 92 bd a9 52 c6 78 04 17 da 0f
                24 81 94 15 56 9e 60 b2 05 c4 6e 41 40 7f 17 04
    00 15 00 29 6f 62 4d 61 74 4a 6f 73 32 41 41 41 43 66 2f 2f 34 39 39 6b 39 35 34 64 36 4f 4c 33
                34 6f 4c 39 46 53 54 76 79 36 34 73 41 00 00 00
    00 14 00 0b 65 78 61 6d 70 6c 65 2e 6f 72 67 00
    00 1d 00 04 00 02 00 00
    00 1c 00 20 b5 c7 bf 00 5b 6c 52 a2 1c 51 c5 e8 92 f8 19 24
                13 62 96 cb 92 7c 43 14 93 09 27 8c c6 51 8e 65)";

TEST(stun_vectors, the_sample_request_is_read_and_authentic) {
    const auto bytes = bytes_from(request_vector);
    const auto message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->kind(), message_class::request);
    EXPECT_EQ(message->method(), stun_method::binding);
    EXPECT_EQ(message->text(attribute::software), "STUN test client");
    EXPECT_EQ(message->text(attribute::username), "evtj:h6vY");
    EXPECT_TRUE(message->has(attribute::fingerprint));
    EXPECT_TRUE(is_authentic(*message, bytes_of(short_term_password)));
    EXPECT_FALSE(is_authentic(*message, bytes_of("VOkJxbRl1RmTxUk/WvJxBu")));
    std::vector<std::uint16_t> unknown;
    for (const auto& one : message->attributes())
        if (is_unknown_and_required(one.type)) unknown.push_back(one.type);
    EXPECT_EQ(unknown, std::vector<std::uint16_t>{0x0024}) << "PRIORITY is ICE's";
}

TEST(stun_vectors, the_sample_responses_of_both_families_are_read_and_authentic) {
    for (const auto& [hex, mapped] :
         {std::pair(response_v4_vector, mapped_v4), std::pair(response_v6_vector, mapped_v6)}) {
        const auto bytes = bytes_from(hex);
        const auto message = stun_message::parse(bytes);
        ASSERT_TRUE(message);
        EXPECT_EQ(message->kind(), message_class::success);
        EXPECT_EQ(message->address(attribute::xor_mapped_address), mapped);
        EXPECT_TRUE(is_authentic(*message, bytes_of(short_term_password)));
    }
}

// The vectors' padding is of spaces, ours of zeros: so only lengths, addresses and codes are compared as they stand.
TEST(stun_vectors, responses_are_written_as_they_are_read) {
    for (const auto& [hex, mapped] :
         {std::pair(response_v4_vector, mapped_v4), std::pair(response_v6_vector, mapped_v6)}) {
        const auto expected = bytes_from(hex);
        const auto message = stun_message::parse(expected);
        std::array<std::uint8_t, 256> room;
        stun_writer writer(room, message_class::success, stun_method::binding, message->transaction());
        writer.add(attribute::software, "test vector");
        writer.add_address(attribute::xor_mapped_address, mapped);
        writer.add_integrity(bytes_of(short_term_password), integrity::sha1);
        writer.add_fingerprint();
        ASSERT_TRUE(writer.is_complete());
        ASSERT_EQ(writer.bytes().size(), expected.size());
        EXPECT_TRUE(std::equal(expected.begin(), expected.begin() + 35, writer.bytes().begin()));
        const auto address = message->find(attribute::xor_mapped_address)->offset;
        EXPECT_TRUE(std::equal(expected.begin() + 36, expected.begin() + static_cast<std::ptrdiff_t>(address + 8),
                               writer.bytes().begin() + 36));
        const auto again = stun_message::parse(writer.bytes());
        ASSERT_TRUE(again);
        EXPECT_TRUE(is_authentic(*again, bytes_of(short_term_password)));
    }
}

TEST(stun_vectors, long_term_credentials_are_authentic) {
    const auto bytes = bytes_from(long_term_vector);
    const auto message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    const auto key = key_of(*message->text(attribute::username), *message->text(attribute::realm), "TheMatrIX");
    EXPECT_TRUE(is_authentic(*message, key));
    EXPECT_FALSE(is_authentic(*message, key_of("somebody", "example.org", "TheMatrIX")));
}

TEST(stun_vectors, sha256_with_its_key_is_authentic_and_userhash_is_not_known) {
    const auto bytes = bytes_from(sha256_vector);
    const auto message = stun_message::parse(bytes);
    ASSERT_TRUE(message);
    EXPECT_EQ(protection_of(*message), integrity::sha256);
    const std::string all = "\u30DE\u30C8\u30EA\u30C3\u30AF\u30B9:example.org:TheMatrIX";
    std::array<std::uint8_t, 32> key;
    ASSERT_EQ(EVP_Q_digest(nullptr, "SHA256", nullptr, all.data(), all.size(), key.data(), nullptr), 1);
    EXPECT_TRUE(is_authentic(*message, key));
    EXPECT_TRUE(is_unknown_and_required(0x001E)) << "USERHASH is left out, and so it is answered with 420";
}

}  // namespace
