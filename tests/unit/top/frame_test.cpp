// What is drawn, to the letter, and what no endpoint can do to a terminal.
#include "top/frame.hpp"

#include "top/shown_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace berth::top {
namespace {

using namespace std::chrono_literals;

const std::chrono::system_clock::time_point noon{12h + 34min + 56s};
const std::chrono::steady_clock::time_point begin{1h};

std::string game(int open, double takes) {
    return "berth_backend_info{backend=\"io_uring\",reason=\"io_uring is available\"} 1\n"
           "berth_shards{backend=\"io_uring\",reason=\"io_uring is available\"} 2\n"
           "berth_ports{block=\"matches\",state=\"available\"} " +
           std::to_string(96 - open) +
           "\n"
           "berth_ports{block=\"matches\",state=\"open\"} " +
           std::to_string(open) +
           "\n"
           "berth_ports{block=\"matches\",state=\"cooling\"} 4\n"
           "berth_exhausted_total{block=\"matches\"} 0\n"
           "berth_takes_total{block=\"matches\"} " +
           std::to_string(takes) +
           "\n"
           "berth_take_seconds_bucket{block=\"matches\",le=\"1.024e-06\"} 0\n"
           "berth_take_seconds_bucket{block=\"matches\",le=\"2.048e-06\"} 100\n"
           "berth_take_seconds_bucket{block=\"matches\",le=\"+Inf\"} 100\n";
}

reading at(std::chrono::steady_clock::duration since, const std::string& text) {
    return {begin + since, figures_of(parse(text))};
}

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) out += line + "\n";
    return out;
}

std::string drawn(const endpoint_view& view, const look& how = {}) {
    return joined(frame(std::span(&view, 1), how, noon));
}

TEST(top_frame, a_block_by_state_with_rate_and_latency) {
    endpoint_view view{.name = "127.0.0.1:9100"};
    note(view, at(0s, game(10, 1000)));
    note(view, at(2s, game(10, 1025)));
    EXPECT_EQ(drawn(view),
              "berth top  12:34:56 UTC\n"
              "\n"
              "127.0.0.1:9100  io_uring, 2 shards\n"
              "  BLOCK    PORTS  AVAIL  TAKEN  OPEN  DRAIN  COOL  COND  TAKES/S  EXHAUSTED      P50      P99\n"
              "  matches    100     86      0    10      0     4     0     12.5          0  1.54 us  2.04 us\n");
}

TEST(top_frame, a_wide_terminal_has_bars_and_a_narrow_one_gives_up_columns) {
    endpoint_view view{.name = "a:1"};
    note(view, at(0s, game(10, 1000)));
    EXPECT_NE(drawn(view, {.width = 130}).find("  ##~................."), std::string::npos)
        << drawn(view, {.width = 130});
    EXPECT_EQ(drawn(view, {.width = 40}),
              "berth top  12:34:56 UTC\n"
              "\n"
              "a:1  io_uring, 2 shards\n"
              "  BLOCK    PORTS  AVAIL  OPEN  COOL\n"
              "  matches    100     86    10     4\n");
}

TEST(top_frame, a_counter_that_went_back_has_no_rate) {
    endpoint_view view{.name = "a:1"};
    note(view, at(0s, game(10, 1000)));
    note(view, at(2s, game(10, 3)));
    EXPECT_EQ(drawn(view).find("-49"), std::string::npos);
    EXPECT_NE(drawn(view).find("        -          0"), std::string::npos) << drawn(view);
    note(view, at(4s, game(10, 13)));
    EXPECT_NE(drawn(view).find("     5.00          0"), std::string::npos) << "and has one from then on";
}

TEST(top_frame, an_endpoint_that_goes_away_is_gone_since_then_and_comes_back) {
    endpoint_view view{.name = "a:1"};
    EXPECT_NE(drawn(view).find("a:1  not heard from yet"), std::string::npos);
    note(view, "Connection refused", noon - 3min);
    EXPECT_NE(drawn(view).find("a:1  no answer since 12:31:56 UTC (3 min)\n  Connection refused\n"),
              std::string::npos);
    note(view, at(0s, game(10, 1000)));
    EXPECT_EQ(drawn(view).find("since"), std::string::npos);
    note(view, "Connection refused", noon - 90s);
    note(view, "no whole answer within 2000 ms", noon - 1s);
    EXPECT_NE(drawn(view).find("a:1  gone since 12:33:26 UTC (90 s)\n  no whole answer within 2000 ms\n"),
              std::string::npos)
        << drawn(view);
    note(view, at(20s, game(10, 2000)));
    EXPECT_NE(drawn(view).find("        -          0"), std::string::npos) << "no rate over the gap";
    EXPECT_EQ(drawn(view).find("gone"), std::string::npos);
}

TEST(top_frame, why_there_is_no_io_uring_and_what_is_wrong_with_an_answer_are_said) {
    endpoint_view view{.name = "a:1"};
    note(view, at(0s,
                  "berth_backend_info{backend=\"asio\",reason=\"io_uring is denied to this process\"} 1\n"
                  "berth_draining 1\nberth_connections{server=\"tls\"} 7\n\nnonsense\nmore"));
    EXPECT_EQ(drawn(view, {.width = 30}),
              "berth top  12:34:56 UTC\n"
              "\n"
              "a:1  asio  draining\n"
              "  io_uring is denied to this\n"
              "  process\n"
              "  line 5: no value (and 1 more\n"
              "  lines)\n"
              "  SERVER  CONNECTIONS\n"
              "  tls               7\n");
    note(view, at(2s, "go_goroutines 8\n"));
    EXPECT_NE(drawn(view).find("it exposes nothing of berth's"), std::string::npos);
}

TEST(top_frame, a_low_terminal_says_how_many_lines_are_more) {
    std::vector<endpoint_view> many(10, endpoint_view{.name = "a:1"});
    const auto all = frame(many, {}, noon);
    ASSERT_EQ(all.size(), 21u);
    const auto some = frame(many, {.height = 5}, noon);
    ASSERT_EQ(some.size(), 5u);
    EXPECT_EQ(some.back(), "17 more lines");
    EXPECT_EQ(frame(many, {.height = 21}, noon).size(), 21u);
    EXPECT_EQ(frame(many, {.height = 1}, noon).size(), 1u);
}

TEST(top_frame, colours_change_nothing_but_the_colour) {
    endpoint_view view{.name = "a:1"};
    note(view, at(0s, game(10, 1000)));
    std::string painted = drawn(view, {.colours = true}), bare;
    EXPECT_NE(painted.find("\x1b[32m"), std::string::npos);
    for (std::size_t i = 0; i < painted.size(); ++i) {
        if (painted[i] == '\x1b')
            i = painted.find('m', i);
        else
            bare += painted[i];
    }
    EXPECT_EQ(bare, drawn(view));
}

TEST(top_frame, a_name_reaches_the_terminal_as_visible_characters_alone) {
    endpoint_view view{.name = "a:1"};
    note(view, at(0s,
                  "berth_ports{block=\"\x1b[2J\\n\x07\xc2\x9b\xe2\x80\xae\xff"
                  "b\",state=\"open\"} 1\n"));
    EXPECT_NE(drawn(view).find("  ?[2J?????b "), std::string::npos) << drawn(view);
    EXPECT_EQ(shown("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(columns("gr\xc3\xbc\xc3\x9f"), 4u);
    EXPECT_EQ(columns("\xe6\xbc\xa2"), 2u);
    EXPECT_EQ(cut("\xe6\xbc\xa2\xe6\xbc\xa2", 3), "\xe6\xbc\xa2~");
}

TEST(top_frame, no_line_is_wider_than_the_terminal_whatever_is_said) {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (int i = 0; i < 20; ++i) {
            const char* names[] = {"berth_ports",       "berth_backend_info", "berth_takes_total",
                                   "berth_connections", "berthd_block_ports", "berth_exhausted_total"};
            text += names[random() % 6];
            const char* keys[] = {"block", "state", "backend", "reason", "server"};
            text += "{";
            for (const char* key : keys) {
                text += std::string(key) + "=\"";
                for (auto size = random() % 30; size > 0; --size) {
                    const char c = static_cast<char>(random() % 256);
                    if (c != '"' && c != '\\' && c != '\n') text += c;
                }
                text += "\",";
            }
            text += "} 1e" + std::to_string(random() % 300) + "\n";
        }
        endpoint_view view{.name = "a:1"};
        note(view, at(0s, text));
        note(view, at(1s, text));
        const std::size_t width = 1 + random() % 140;
        for (const auto& line : frame(std::span(&view, 1), {.width = width}, noon)) {
            ASSERT_LE(columns(line), width) << line;
            ASSERT_EQ(std::count_if(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }),
                      0);
        }
    }
}

}  // namespace
}  // namespace berth::top
