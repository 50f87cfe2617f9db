// The text format: what is a sample, and the name of whatever is none.
#include "top/exposition.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace berth::top {
namespace {

sample only(const std::string& text) {
    const auto read = parse(text);
    EXPECT_EQ(read.samples.size(), 1u) << text;
    EXPECT_EQ(read.bad_count, 0u) << text;
    return read.samples.empty() ? sample{} : read.samples[0];
}

std::string wrong(const std::string& line) {
    const auto read = parse("ok 1\n" + line + "\nok 2\n");
    EXPECT_EQ(read.samples.size(), 2u) << line;
    if (!read.first_bad) return "nothing";
    EXPECT_EQ(read.first_bad->number, 2u);
    EXPECT_EQ(read.bad_count, 1u);
    return std::string(words_of(read.first_bad->error));
}

TEST(top_exposition, a_sample_has_a_name_labels_and_a_value) {
    const auto s = only("berth_ports{block=\"a\",state=\"open\"} 12\n");
    EXPECT_EQ(s.name, "berth_ports");
    EXPECT_EQ(s.with, (labels{{"block", "a"}, {"state", "open"}}));
    EXPECT_EQ(s.label("state"), "open");
    EXPECT_EQ(s.label("nothing"), "");
    EXPECT_EQ(s.value, 12);
    EXPECT_EQ(only("a:b_9 1").name, "a:b_9") << "the last line may have no end";
}

TEST(top_exposition, blanks_returns_a_last_comma_and_a_time_are_of_the_format) {
    EXPECT_EQ(only(" \t a \t { k = \"v\" , } \t 1.5e3 \t -12 \r\n").value, 1500);
    EXPECT_EQ(only("a{} 1").with.size(), 0u);
    EXPECT_EQ(only("a{k=\"v\"}1").value, 1) << "nothing between } and the value";
    EXPECT_EQ(only("a\t1").value, 1);
}

TEST(top_exposition, comments_and_empty_lines_are_none) {
    const auto read = parse("# HELP a A {\n#\n\n  \t\n # TYPE a gauge\na 1\n# EOF\n");
    EXPECT_EQ(read.samples.size(), 1u);
    EXPECT_EQ(read.bad_count, 0u);
    EXPECT_TRUE(parse("").samples.empty());
}

TEST(top_exposition, escapes_in_labels_are_undone_and_anything_else_is_itself) {
    EXPECT_EQ(only(R"(a{k="\\n\"\n}{,= #"} 1)").label("k"), "\\n\"\n}{,= #");
    EXPECT_EQ(only("a{k=\"\xc3\xa4\x1b\xff\"} 1").label("k"), "\xc3\xa4\x1b\xff") << "bytes, not judged here";
}

TEST(top_exposition, values_are_all_that_a_double_is) {
    EXPECT_TRUE(std::isnan(only("a NaN").value));
    EXPECT_EQ(only("a +Inf").value, std::numeric_limits<double>::infinity());
    EXPECT_EQ(only("a -Inf").value, -std::numeric_limits<double>::infinity());
    EXPECT_EQ(only("a +1").value, 1);
    EXPECT_EQ(only("a -0.5").value, -0.5);
    EXPECT_EQ(only("a 1.7976931348623157e308").value, std::numeric_limits<double>::max());
}

TEST(top_exposition, what_is_wrong_with_a_line_is_named_and_the_others_are_read) {
    EXPECT_EQ(wrong("9a 1"), "no metric's name");
    EXPECT_EQ(wrong("{} 1"), "no metric's name");
    EXPECT_EQ(wrong("a-b 1"), "no metric's name");
    EXPECT_EQ(wrong("a{9=\"v\"} 1"), "no label's name");
    EXPECT_EQ(wrong("a{:=\"v\"} 1"), "no label's name");
    EXPECT_EQ(wrong("a{k \"v\"} 1"), "a label without =");
    EXPECT_EQ(wrong("a{k=v} 1"), "a label's value without \"");
    EXPECT_EQ(wrong(R"(a{k="\t"} 1)"), "an escape that there is not");
    EXPECT_EQ(wrong("a{k=\"v"), "a label's value without its end");
    EXPECT_EQ(wrong("a{k=\"v\\"), "a label's value without its end");
    EXPECT_EQ(wrong("a{k=\"v\" l=\"w\"} 1"), "labels without their end");
    EXPECT_EQ(wrong("a{"), "no label's name");
    EXPECT_EQ(wrong("a{k=\"v\"}"), "no value");
    EXPECT_EQ(wrong("a"), "no value");
    EXPECT_EQ(wrong("a one"), "a value that is no number");
    EXPECT_EQ(wrong("a +-1"), "a value that is no number");
    EXPECT_EQ(wrong("a 1,5"), "a value that is no number");
    EXPECT_EQ(wrong("a nan(1)"), "a value that is no number");
    EXPECT_EQ(wrong("a 1e999"), "a value out of range");
    EXPECT_EQ(wrong("a 1 now"), "a time that is no whole number");
    EXPECT_EQ(wrong("a 1 99999999999999999999"), "a time that is no whole number");
    EXPECT_EQ(wrong("a 1 2 3"), "more than a sample");
}

TEST(top_exposition, any_number_of_bad_lines_is_counted_and_the_first_is_named) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "a 1\nb\n";
    const auto read = parse(text);
    EXPECT_EQ(read.samples.size(), 1000u);
    EXPECT_EQ(read.bad_count, 1000u);
    EXPECT_EQ(read.first_bad->number, 2u);
}

}  // namespace
}  // namespace berth::top
