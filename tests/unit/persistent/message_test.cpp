// The messages of berthd: what is made can be read, and what nobody makes is refused.
//
// The property behind all of it: parse() accepts bytes only if encode() makes exactly these bytes of what it read.
#include "persistent/message.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace berth::detail::test {
namespace {

service_request some_request() {
    return {.kind = request_kind::create,
            .id = 0x01020304,
            .protocol = transport::udp,
            .use = tcp_use::connect,
            .block = {65535, 65536}};
}

service_answer some_answer() {
    service_answer a;
    a.kind = request_kind::next_block;
    a.id = ~0u;
    a.error = errc::service_unavailable;
    a.port = 1;
    a.protocol = transport::udp;
    a.use = tcp_use::connect;
    a.block = {0xffff, 0xffff};
    a.token = reservation_token(~std::uint64_t{0});
    a.created = -1;
    a.is_last = a.is_draining = a.is_held = true;
    a.numbers = {1, 2, 3, ~0u, 5, 6, 7, 8, 9, 10};
    a.text = "what, the limit, the remedy: ä";
    return a;
}

template <class Bytes>
bool is_canonical_request(const Bytes& bytes) {
    const auto read = parse_request(bytes);
    return !read || std::equal(bytes.begin(), bytes.end(), encode(*read).begin());
}
template <class Bytes>
bool is_canonical_answer(const Bytes& bytes) {
    const auto read = parse_answer(bytes);
    return !read || std::equal(bytes.begin(), bytes.end(), encode(*read).begin());
}

TEST(message, a_request_is_read_as_it_was_made) {
    EXPECT_EQ(parse_request(encode(some_request())), some_request());
    for (const int kind : {1, 2, 3, 4, 5, 6, 7, 16, 17}) {
        service_request r;
        r.kind = static_cast<request_kind>(kind);
        if (r.kind == request_kind::take) r.token = reservation_token(~std::uint64_t{0});
        if (r.kind == request_kind::next_block) r.after = place_of(transport::udp, 65535);
        EXPECT_EQ(parse_request(encode(r)), r) << kind;
    }
}

TEST(message, an_answer_is_read_as_it_was_made) {
    EXPECT_EQ(parse_answer(encode(some_answer())), some_answer());
    EXPECT_EQ(parse_answer(encode(service_answer{})), service_answer{});
}

TEST(message, a_text_is_cut_and_made_printable) {
    auto a = some_answer();
    a.text = std::string(1000, 'x');
    EXPECT_EQ(parse_answer(encode(a))->text, std::string(most_text, 'x'));
    a.text = "two\nlines";
    EXPECT_EQ(parse_answer(encode(a))->text, "two?lines");
}

TEST(message, the_bytes_are_little_endian_on_every_machine) {
    const auto bytes = encode(service_request{.kind = request_kind::lookup, .id = 0x0a0b0c0d, .block = {0x1122, 3}});
    const unsigned char wanted[] = {'b', 'r', 't', 'h', 1, 0, 3, 0, 0x0d, 0x0c, 0x0b, 0x0a, 0x22, 0x11, 1, 0, 3};
    for (std::size_t i = 0; i < std::size(wanted); ++i) EXPECT_EQ(bytes[i], std::byte{wanted[i]}) << i;
}

TEST(message, every_other_size_is_refused) {
    std::vector<std::byte> bytes(2 * answer_size);
    const auto request = encode(some_request());
    const auto answer = encode(some_answer());
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        std::copy(request.begin(), request.end(), bytes.begin());
        EXPECT_EQ(parse_request(std::span(bytes).first(size)).has_value(), size == request_size);
        std::copy(answer.begin(), answer.end(), bytes.begin());
        EXPECT_EQ(parse_answer(std::span(bytes).first(size)).has_value(), size == answer_size);
    }
}

TEST(message, every_byte_with_every_value) {
    for (const int kind : {1, 2, 3, 4, 5, 6, 7, 16, 17}) {
        auto r = some_request();
        r.kind = static_cast<request_kind>(kind);
        r.use = tcp_use::listen;
        if ((kind >= 4 && kind <= 5) || kind > 7) r.protocol = transport::tcp, r.block = {};
        if (r.kind == request_kind::take) r.token = reservation_token(0x0102030405060708);
        if (r.kind == request_kind::fetch) r.block = {4000, 1}, r.what = fetch_kind::given;
        const auto good = encode(r);
        ASSERT_TRUE(parse_request(good)) << kind;
        for (std::size_t at = 0; at < good.size(); ++at) {
            for (int value = 0; value < 256; ++value) {
                auto bytes = good;
                bytes[at] = static_cast<std::byte>(value);
                ASSERT_TRUE(is_canonical_request(bytes)) << "byte " << at << " value " << value;
                if (at < 6 || (at >= 24 && r.kind != request_kind::take)) {  // magic, version, a token
                    EXPECT_EQ(parse_request(bytes).has_value(), bytes == good) << "byte " << at;
                }
            }
        }
    }
    const auto good = encode(some_answer());
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
            auto bytes = good;
            bytes[at] = static_cast<std::byte>(value);
            ASSERT_TRUE(is_canonical_answer(bytes)) << "byte " << at << " value " << value;
        }
    }
}

TEST(message, fields_out_of_their_bounds_are_refused) {
    const auto refuses = [](auto change) {
        auto r = some_request();
        change(r);
        return !parse_request(encode(r));
    };
    EXPECT_FALSE(refuses([](auto&) {}));
    EXPECT_TRUE(refuses([](auto& r) { r.kind = request_kind{0}; }));
    for (const int kind : {8, 15, 18}) {
        EXPECT_TRUE(refuses([&](auto& r) { r.kind = static_cast<request_kind>(kind); })) << kind;
    }
    const auto of_consumer = [](service_request r) { return parse_request(encode(r)) == r; };
    const reservation_token token(1);
    EXPECT_TRUE(of_consumer({.kind = request_kind::take, .token = token}));
    EXPECT_FALSE(of_consumer({.kind = request_kind::take})) << "without a token";
    EXPECT_FALSE(of_consumer({.kind = request_kind::take, .block = {1, 1}, .token = token}));
    EXPECT_FALSE(of_consumer({.kind = request_kind::fetch, .block = {0, 1}, .token = token}));
    EXPECT_TRUE(of_consumer({.kind = request_kind::fetch, .block = {0, 253}, .what = fetch_kind::pairs}));
    EXPECT_FALSE(of_consumer({.kind = request_kind::fetch, .block = {0, 254}}));
    EXPECT_FALSE(of_consumer({.kind = request_kind::fetch, .block = {0, 0}}));
    EXPECT_TRUE(of_consumer({.kind = request_kind::fetch, .block = {7, 1}, .what = fetch_kind::given}));
    EXPECT_FALSE(of_consumer({.kind = request_kind::fetch, .block = {0, 1}, .what = fetch_kind::given}));
    EXPECT_FALSE(of_consumer({.kind = request_kind::fetch, .block = {7, 1}}));
    EXPECT_FALSE(of_consumer({.kind = request_kind::fetch, .block = {7, 1}, .what = fetch_kind{3}}));
    EXPECT_TRUE(refuses([&](auto& r) { r.token = token; })) << "take's alone";
    EXPECT_TRUE(refuses([](auto& r) { r.protocol = transport::tcp_and_udp; }));
    EXPECT_TRUE(refuses([](auto& r) { r.protocol = transport{}; }));
    EXPECT_TRUE(refuses([](auto& r) { r.use = tcp_use{2}; }));
    EXPECT_TRUE(refuses([](auto& r) { r.kind = request_kind::remove; })) << "a use is create's alone";
    EXPECT_TRUE(refuses([](auto& r) { r.block.count = 65537; }));
    EXPECT_TRUE(refuses([](auto& r) { r.after = 1; })) << "next_block's alone";
}

// Random bytes, and good messages with some bytes changed. BERTH_FUZZ: how many.
TEST(message, random_bytes) {
    const char* const wanted = std::getenv("BERTH_FUZZ");
    const long rounds = wanted == nullptr ? 2'000'000 : std::strtol(wanted, nullptr, 10);
    std::mt19937_64 random(std::random_device{}());
    const auto good_request = encode(some_request());
    const auto good_answer = encode(some_answer());
    long accepted = 0;
    for (long i = 0; i < rounds; ++i) {
        auto request = good_request;
        if (i % 4 == 0) {
            for (auto& b : request) b = static_cast<std::byte>(random());
        } else {
            for (auto n = random() % 6; n != 0; --n)
                request[random() % request.size()] = static_cast<std::byte>(random());
        }
        ASSERT_TRUE(is_canonical_request(request));
        accepted += parse_request(request).has_value();
        if (i % 8 != 0) continue;
        auto answer = good_answer;
        for (auto n = random() % 6; n != 0; --n) answer[random() % answer.size()] = static_cast<std::byte>(random());
        ASSERT_TRUE(is_canonical_answer(answer));
    }
    EXPECT_GT(accepted, 0);
    EXPECT_LT(accepted, rounds);
}

}  // namespace
}  // namespace berth::detail::test
