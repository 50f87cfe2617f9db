// The game's packets, cookies and rules, without a socket: what is no packet, what is lost or comes twice, who is a
// stranger.
#include "cookie_jar.hpp"
#include "match_room.hpp"
#include "packets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace {

using namespace game;
using namespace std::chrono_literals;
using bytes = std::vector<std::byte>;

bytes written(const packet& p) {
    bytes out(largest_packet);
    out.resize(write(out, p));
    return out;
}

const udp_endpoint anna(asio::ip::make_address("192.0.2.1"), 1000),
    mallory(asio::ip::make_address("192.0.2.9"), 1000);

snapshot full_snapshot() {
    snapshot s{7, 9, most_players, {}};
    for (std::uint16_t i = 0; i < most_players; ++i) s.players[i] = {i, 1000U + i, 5, 65535};
    return s;
}

std::vector<packet> one_of_each() {
    inputs moves{3, 0xDEADBEEF, 17, 3, {}};
    moves.moves[0] = 1, moves.moves[2] = 255;
    return {join{1, 2, 3},          cookie{4, 5},
            place{6, 7, 8, anna},   place{6, 7, 8, {asio::ip::make_address("2001:db8::1"), 65535}},
            refused{9, why::quota}, enter{10, 11, 12},
            welcome{13, 14},        moves,
            full_snapshot(),        leave{15, 16},
            bye{17, why::closing}};
}

TEST(game_packets, each_is_read_as_it_was_written) {
    for (const packet& p : one_of_each()) {
        const auto read = parse(written(p));
        ASSERT_TRUE(read) << p.index();
        EXPECT_TRUE(*read == p) << p.index();
    }
}

TEST(game_packets, what_is_cut_or_longer_or_of_another_version_is_none) {
    for (const packet& p : one_of_each()) {
        const bytes whole = written(p);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_FALSE(parse(std::span(whole).first(size))) << p.index() << " of " << size;
        }
        bytes other = whole;
        other.push_back(std::byte{0});
        EXPECT_FALSE(parse(other)) << p.index();
        other = whole;
        other[1] = std::byte{2};
        EXPECT_FALSE(parse(other)) << p.index();
    }
    EXPECT_FALSE(parse(bytes{std::byte{0}, std::byte{1}}));
    EXPECT_FALSE(parse(bytes{std::byte{11}, std::byte{1}}));
    EXPECT_FALSE(parse(bytes(largest_packet + 1)));
}

TEST(game_packets, an_answer_to_an_address_that_nobody_checked_is_smaller_than_its_request) {
    const udp_endpoint longest(asio::ip::make_address("2001:db8::1"), 65535);
    EXPECT_EQ(written(join{}).size(), padded_size);
    EXPECT_EQ(written(enter{}).size(), padded_size);
    for (const packet& answer :
         {packet(cookie{}), packet(place{1, 2, 3, longest}), packet(refused{1, why::full}), packet(welcome{})}) {
        EXPECT_LT(written(answer).size(), padded_size) << answer.index();
    }
    EXPECT_LE(written(full_snapshot()).size(), largest_packet);
    EXPECT_LE(written(bye{1, why::left}).size(), written(leave{}).size());
}

TEST(game_cookies, the_hash_is_that_of_the_paper) {
    std::array<std::uint8_t, 15> text;
    std::iota(text.begin(), text.end(), std::uint8_t{0});
    EXPECT_EQ(siphash(0x0706050403020100, 0x0f0e0d0c0b0a0908, text), 0xa129ca6149be45e5u);
}

TEST(game_cookies, one_is_good_for_its_address_and_its_time_alone) {
    const cookie_jar jar, other;
    const auto now = clock::now();
    const auto mine = jar.cookie_for(anna, now);
    EXPECT_TRUE(jar.is_good(mine, anna, now));
    EXPECT_TRUE(jar.is_good(mine, anna, now + 30s));
    EXPECT_FALSE(jar.is_good(mine, anna, now + 61s));
    EXPECT_FALSE(jar.is_good(mine, mallory, now));
    EXPECT_FALSE(jar.is_good(mine, {anna.address(), 1001}, now));
    EXPECT_FALSE(jar.is_good(mine ^ 1, anna, now));
    EXPECT_FALSE(jar.is_good(0, anna, now));
    EXPECT_FALSE(other.is_good(mine, anna, now)) << "another server's key";
    EXPECT_NE(jar.ticket(1), jar.ticket(2));
}

class game_room : public testing::Test {
protected:
    /// What the room answers, and what it thought of it.
    std::optional<packet> tell(const packet& p, const udp_endpoint& from, verdict expected = verdict::good) {
        bytes out(largest_packet);
        const auto done = room_.receive(written(p), from, jar_, now_, out);
        EXPECT_EQ(done.what, expected) << p.index();
        if (done.answer == 0) return std::nullopt;
        return parse(std::span(out).first(done.answer));
    }
    void let_in(std::uint16_t player, const udp_endpoint& at) {
        room_.admit(player, ticket, now_);
        EXPECT_TRUE(tell(enter{player, ticket, jar_.cookie_for(at, now_)}, at) == packet(welcome{player, 42}));
    }
    inputs moves(std::uint16_t player, std::uint32_t first, std::vector<std::uint8_t> what) {
        inputs p{player, static_cast<std::uint32_t>(ticket), first, static_cast<std::uint8_t>(what.size()), {}};
        std::copy(what.begin(), what.end(), p.moves.begin());
        return p;
    }
    snapshot seen() {
        bytes out(largest_packet);
        return std::get<snapshot>(*parse(std::span(out).first(room_.write_snapshot(1, out))));
    }

    static constexpr std::uint64_t ticket = 0x1234567890ABCDEF;
    cookie_jar jar_;
    clock::time_point now_ = clock::now();
    match_room room_{42, {10s, 2s}, now_};
    why reason_{};
};

TEST_F(game_room, nobody_plays_before_he_has_said_his_cookie_back) {
    room_.admit(1, ticket, now_);
    const auto answer = tell(enter{1, ticket, 0}, anna);
    ASSERT_TRUE(answer);
    const auto given = std::get<cookie>(*answer);
    EXPECT_EQ(room_.playing(), 0u);
    tell(moves(1, 0, {1}), anna, verdict::stranger);
    EXPECT_TRUE(tell(enter{1, ticket, given.value}, anna) == packet(welcome{1, 42}));
    EXPECT_EQ(room_.playing(), 1u);
    EXPECT_TRUE(tell(enter{1, ticket, given.value}, anna) == packet(welcome{1, 42})) << "the welcome was lost";
}

TEST_F(game_room, strangers_get_no_answer_at_all) {
    let_in(1, anna);
    EXPECT_FALSE(tell(enter{1, ticket + 1, 0}, mallory, verdict::stranger));
    EXPECT_FALSE(tell(enter{2, ticket, 0}, mallory, verdict::stranger));
    EXPECT_FALSE(tell(moves(1, 0, {1}), mallory, verdict::stranger)) << "the right key, another address";
    auto forged = moves(1, 0, {1});
    forged.key ^= 1;
    EXPECT_FALSE(tell(forged, anna, verdict::stranger)) << "the right address, another key";
    EXPECT_FALSE(tell(leave{1, forged.key}, anna, verdict::stranger));
    EXPECT_FALSE(tell(join{}, anna, verdict::malformed));
    EXPECT_EQ(seen().players[0].acknowledged, 0u);
}

TEST_F(game_room, each_input_counts_once_in_its_order_whatever_is_lost_or_comes_twice) {
    let_in(1, anna);
    player_state expected{1, 0, 0, 0};
    for (const int move : {7, 200, 3, 9}) apply(expected, static_cast<std::uint8_t>(move));
    tell(moves(1, 1, {200, 3}), anna);  // the first was lost: nothing counts yet
    EXPECT_EQ(seen().players[0].acknowledged, 0u);
    tell(moves(1, 0, {7, 200}), anna);
    tell(moves(1, 0, {7, 200}), anna);
    tell(moves(1, 1, {200, 3, 9}), anna);
    tell(moves(1, 0, {7}), anna);
    EXPECT_TRUE(seen().players[0] == expected);
}

TEST_F(game_room, a_player_whose_address_changed_goes_on_from_the_new_one) {
    let_in(1, anna);
    tell(moves(1, 0, {1}), anna);
    const udp_endpoint moved(anna.address(), 2000);
    tell(moves(1, 1, {2}), moved, verdict::stranger);
    tell(enter{1, ticket, jar_.cookie_for(moved, now_)}, moved);
    tell(moves(1, 1, {2}), moved);
    EXPECT_EQ(seen().players[0].acknowledged, 2u);
    EXPECT_EQ(seen().count, 1);
}

TEST_F(game_room, it_ends_when_all_have_left_or_were_silent_or_the_time_is_over) {
    let_in(1, anna);
    let_in(2, mallory);
    EXPECT_FALSE(room_.tick(now_, reason_));
    EXPECT_TRUE(tell(leave{1, static_cast<std::uint32_t>(ticket)}, anna) == packet(bye{1, why::left}));
    EXPECT_EQ(room_.take_gone(), std::vector<std::uint16_t>{1});
    EXPECT_FALSE(room_.tick(now_ + 1s, reason_));
    EXPECT_TRUE(room_.tick(now_ + 2s, reason_)) << "the other was silent";
    EXPECT_EQ(reason_, why::left);
    EXPECT_EQ(room_.take_gone(), std::vector<std::uint16_t>{2});

    match_room busy(1, {10s, 60s}, now_);
    busy.admit(1, ticket, now_);
    EXPECT_FALSE(busy.tick(now_ + 9s, reason_));
    EXPECT_TRUE(busy.tick(now_ + 10s, reason_));
    EXPECT_EQ(reason_, why::over);
}

}  // namespace
