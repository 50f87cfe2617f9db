// What a reading says of berth, and the arithmetic of quantiles and rates.
#include "top/figures.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace berth::top {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

TEST(top_figures, ports_of_a_block_are_sorted_by_state_and_unknown_states_count) {
    const auto said =
        figures_of(parse("berth_ports{block=\"a\",state=\"open\"} 3\n"
                         "berth_ports{block=\"a\",state=\"condemned\"} 1\n"
                         "berth_ports{block=\"a\",state=\"of next year\"} 2\n"
                         "berth_ports{block=\"b\",state=\"available\"} NaN\n"
                         "berth_ports{block=\"b\",state=\"open\"} -7\n"));
    ASSERT_EQ(said.blocks.size(), 2u);
    const auto& a = said.blocks.at("a");
    EXPECT_EQ(a.ports, (std::array<double, 6>{0, 0, 3, 0, 0, 1}));
    EXPECT_EQ(a.total, 6);
    EXPECT_FALSE(a.takes) << "not said is not 0";
    EXPECT_EQ(said.blocks.at("b").total, 0) << "no number and a negative one are no ports";
}

TEST(top_figures, servers_backends_drain_and_daemon_are_found) {
    const auto said =
        figures_of(parse("berth_connections{server=\"tcp\"} 5\n"
                         "berth_connections_accepted_total{server=\"tcp\"} 50\n"
                         "berth_connections_refused_total{limit=\"connections\",server=\"tcp\"} 1\n"
                         "berth_connections_refused_total{limit=\"address\",server=\"tcp\"} 2\n"
                         "berth_backend_info{backend=\"asio\",reason=\"none here\"} 1\n"
                         "berth_shards{backend=\"asio\",reason=\"none here\"} 2\n"
                         "berth_draining 1\nberthd_ports 20\nberthd_ports_out 3\nberthd_blocks 1\n"
                         "berthd_block_ports{block=\"udp 1-2\"} 2\n"
                         "berthd_block_held{block=\"udp 1-2\"} 0\n"));
    EXPECT_EQ(said.servers.at("tcp").connections, 5);
    EXPECT_EQ(said.servers.at("tcp").accepted, 50);
    EXPECT_EQ(said.servers.at("tcp").refused, 3);
    ASSERT_EQ(said.backends.size(), 1u);
    EXPECT_EQ(said.backends[0].shards, 2);
    EXPECT_EQ(said.backends[0].reason, "none here");
    EXPECT_TRUE(said.is_draining);
    EXPECT_EQ(said.daemon->out, 3);
    EXPECT_FALSE(said.kept.at("udp 1-2").is_held);
}

TEST(top_figures, a_quantile_lies_within_its_bucket) {
    const buckets of{{1, 0}, {2, 50}, {4, 90}, {8, 100}, {infinite, 100}};
    EXPECT_DOUBLE_EQ(quantile(of, 0.5).value(), 2);
    EXPECT_DOUBLE_EQ(quantile(of, 0.25).value(), 1.5);
    EXPECT_DOUBLE_EQ(quantile(of, 0.7).value(), 3);
    EXPECT_DOUBLE_EQ(quantile(of, 1).value(), 8);
}

TEST(top_figures, a_quantile_beyond_the_last_bound_is_that_bound) {
    EXPECT_EQ(quantile({{1, 1}, {infinite, 100}}, 0.99), 1);
    EXPECT_EQ(quantile({{infinite, 100}}, 0.5), std::nullopt) << "no bound at all";
}

TEST(top_figures, without_samples_or_of_no_histogram_there_is_no_quantile) {
    EXPECT_EQ(quantile({}, 0.5), std::nullopt);
    EXPECT_EQ(quantile({{1, 0}, {infinite, 0}}, 0.5), std::nullopt);
    EXPECT_EQ(quantile({{1, 100}, {2, 1}, {infinite, 1000}}, 0.5), std::nullopt) << "counts that fall";
}

TEST(top_figures, buckets_are_read_from_their_labels) {
    const auto said =
        figures_of(parse("berth_take_seconds_bucket{block=\"a\",le=\"1e-06\"} 3\n"
                         "berth_take_seconds_bucket{block=\"a\",le=\"+Inf\"} 4\n"
                         "berth_take_seconds_bucket{block=\"a\",le=\"nan\"} 4\n"
                         "berth_take_seconds_bucket{block=\"a\",le=\"\"} 9\n"));
    EXPECT_EQ(said.blocks.at("a").take_seconds, (buckets{{1e-6, 3}, {infinite, 4}}));
}

TEST(top_figures, a_rate_is_of_two_readings_and_never_negative) {
    EXPECT_EQ(rate(100, 150, 2), 25);
    EXPECT_EQ(rate(100, 100, 2), 0);
    EXPECT_EQ(rate(100, 99, 2), std::nullopt) << "another process";
    EXPECT_EQ(rate(std::nullopt, 5, 2), std::nullopt);
    EXPECT_EQ(rate(5, std::nullopt, 2), std::nullopt);
    EXPECT_EQ(rate(1, 2, 0), std::nullopt);
}

}  // namespace
}  // namespace berth::top
