// Metrics: what is counted on any thread is what Prometheus reads, and what is wrong with a name is said at once.
#include <berth/listener_pool.hpp>
#include <berth/service/metric_registry.hpp>
#include <berth/service/published.hpp>

#include <gtest/gtest.h>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <numeric>
#include <thread>
#include <vector>

namespace {

using asio::ip::tcp;
using berth::service::metric_registry;
using berth::service::publish;
using berth::service::scrape;

bool has(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(service_metrics, counters_gauges_and_histograms_add_up_over_threads) {
    metric_registry metrics;
    auto& counter = metrics.add_counter("game_opened_total", "Opened", {{"kind", "a"}});
    auto& gauge = metrics.add_gauge("game_open", "Open");
    auto& histogram = metrics.add_histogram("game_seconds", "Time", {0.25, 1});
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n) {
                counter.add();
                gauge.add(n % 2 == 0 ? 2 : -1);
                histogram.observe(n % 2 == 0 ? 0.25 : 2);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    histogram.observe(0.5);
    const std::string text = metrics.text();
    EXPECT_TRUE(has(text, "# TYPE game_opened_total counter")) << text;
    EXPECT_TRUE(has(text, "# HELP game_opened_total Opened"));
    EXPECT_TRUE(has(text, "game_opened_total{kind=\"a\"} 4000"));
    EXPECT_TRUE(has(text, "game_open 2000"));
    EXPECT_TRUE(has(text, "game_seconds_bucket{le=\"0.25\"} 2000")) << "a bound belongs to its bucket";
    EXPECT_TRUE(has(text, "game_seconds_bucket{le=\"1\"} 2001"));
    EXPECT_TRUE(has(text, "game_seconds_bucket{le=\"+Inf\"} 4001"));
    EXPECT_TRUE(has(text, "game_seconds_count 4001"));
    EXPECT_TRUE(has(text, "game_seconds_sum 4500.5")) << text;
}

TEST(service_metrics, one_family_has_one_head_whoever_writes_to_it) {
    metric_registry metrics;
    metrics.add_counter("a_total", "A", {{"k", "1"}}).add(1);
    metrics.add_gauge("b", "B");
    metrics.add_counter("a_total", "A", {{"k", "2\"\n"}}).add(2);
    const std::string text = metrics.text();
    const auto first = text.find("# TYPE a_total");
    EXPECT_EQ(text.find("# TYPE a_total", first + 1), std::string::npos) << text;
    EXPECT_TRUE(has(text, R"(a_total{k="2\"\n"} 2)")) << text;
}

TEST(service_metrics, what_is_wrong_with_a_name_is_said) {
    metric_registry metrics;
    metrics.add_counter("a_total", "A");
    const auto refused = [](auto add) -> std::string {
        try {
            add();
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return "accepted";
    };
    EXPECT_EQ(refused([&] { metrics.add_counter("a_total", "A"); }),
              "berth: the metric 'a_total' is there already, with the same labels");
    EXPECT_NE(refused([&] { metrics.add_counter("1b_total", "B"); }).find("'1b_total' is no name"),
              std::string::npos);
    EXPECT_NE(refused([&] { metrics.add_counter("c", "C"); }).find("call it 'c_total'"), std::string::npos);
    EXPECT_NE(refused([&] { metrics.add_gauge("d_total", "D"); }).find("no counter"), std::string::npos);
    EXPECT_NE(refused([&] { metrics.add_gauge("e", "E", {{"a-b", ""}}); }).find("label 'a-b'"), std::string::npos);
    EXPECT_NE(refused([&] { metrics.add_histogram("h", "H", {1, 1}); }).find("must ascend"), std::string::npos);
    const auto kept = metrics.publish([](scrape& to) { to.gauge("f", "F", {}, 1); });
    EXPECT_NE(refused([&] {
                  static_cast<void>(metrics.publish([](scrape& to) { to.gauge("f", "F", {}, 1); }));
              }).find("'f' is there already"),
              std::string::npos);
    EXPECT_TRUE(has(metrics.text(), "f 1")) << "and the first is as it was";
}

TEST(service_metrics, what_was_published_is_not_read_after_its_end_and_one_that_throws_does_not_hide_the_others) {
    metric_registry metrics;
    bool throws = false;
    auto first = metrics.publish([&](scrape& to) {
        if (throws) throw std::runtime_error("no figures today");
        to.gauge("first", "F", {}, 1);
    });
    const auto second = metrics.publish([](scrape& to) { to.gauge("second", "S", {}, 2); });
    throws = true;
    const std::string text = metrics.text();
    EXPECT_TRUE(has(text, "second 2")) << text;
    EXPECT_TRUE(has(text, "berth_metric_failures_total 1")) << text;
    first.end();
    EXPECT_TRUE(has(metrics.text(), "berth_metric_failures_total 1")) << "not called any more";
}

std::string get(const tcp::endpoint& at, const std::string& path) {
    asio::io_context context;
    tcp::socket client(context);
    client.connect(at);
    asio::write(client, asio::buffer("GET " + path + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"));
    std::string answer;
    std::error_code ec;
    asio::read(client, asio::dynamic_buffer(answer), ec);
    return answer;
}

TEST(service_metrics, the_endpoint_answers_and_a_taken_port_is_a_clear_error) {
    metric_registry metrics;
    metrics.add_gauge("here", "H").set(7);
    const tcp::endpoint any(asio::ip::address_v4::loopback(), 0);
    const auto at = metrics.listen(any);
    ASSERT_NE(at.port(), 0);
    const std::string answer = get(at, "/metrics");
    EXPECT_EQ(answer.substr(0, 15), "HTTP/1.1 200 OK") << answer;
    EXPECT_NE(answer.find("\nhere 7\n"), std::string::npos) << answer;
    EXPECT_EQ(get(at, "/other").substr(0, 12), "HTTP/1.1 404");
    EXPECT_THROW(metrics.listen(any), std::logic_error);
    metric_registry other;
    try {
        other.listen(at);
        FAIL() << "two at one port";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::address_in_use);
        EXPECT_NE(std::string(e.what()).find("127.0.0.1:" + std::to_string(at.port())), std::string::npos)
            << e.what();
    }
    EXPECT_NE(other.listen(any).port(), 0) << "another port is fine after that";
}

TEST(service_metrics, an_ipv6_address_is_served_or_refused_in_words) {
    metric_registry metrics;
    try {
        const auto at = metrics.listen({asio::ip::address_v6::loopback(), 0});
        EXPECT_EQ(get(at, "/metrics").substr(0, 15), "HTTP/1.1 200 OK");
    } catch (const std::system_error& e) {
        EXPECT_TRUE(e.code() == std::errc::address_not_available || e.code() == std::errc::operation_not_supported);
        EXPECT_NE(std::string(e.what()).find("[::1]:0"), std::string::npos) << e.what();
    }
}

TEST(service_metrics, the_endpoint_is_gone_with_the_registry_at_once) {
    tcp::endpoint at;
    const auto begun = std::chrono::steady_clock::now();
    {
        metric_registry metrics;
        at = metrics.listen({asio::ip::address_v4::loopback(), 0});
        EXPECT_EQ(get(at, "/metrics").substr(0, 15), "HTTP/1.1 200 OK");
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(1500));
    EXPECT_THROW(get(at, "/metrics"), std::system_error);
}

TEST(service_metrics, berths_own_books_are_published) {
    metric_registry metrics;
    berth::reservation_request request;
    request.block = {.first = 0, .count = 8};
    request.protocol = berth::transport::udp;
    auto ports = berth::port_reservation::reserve(request);
    berth::quotas quotas({.each = 1});
    berth::io_context context;
    berth::server server(context);
    const auto shown = publish(metrics, ports, "matches");
    const auto shown_too = publish(metrics, quotas, "users");
    const auto shown_as_well = publish(metrics, server, "lobby");
    const auto taken = ports.take();
    const auto hold = quotas.take("anna");
    std::error_code ec;
    static_cast<void>(quotas.take("anna", ec));
    const std::string text = metrics.text();
    EXPECT_TRUE(has(text, "berth_ports{block=\"matches\",state=\"available\"} 7")) << text;
    EXPECT_TRUE(has(text, "berth_ports{block=\"matches\",state=\"open\"} 1"));
    EXPECT_TRUE(has(text, "berth_takes_total{block=\"matches\"} 1"));
    EXPECT_TRUE(has(text, "berth_quota_held{quota=\"users\"} 1"));
    EXPECT_TRUE(has(text, "berth_quota_refused_total{limit=\"of_key\",quota=\"users\"} 1"));
    EXPECT_TRUE(has(text, "berth_connections{server=\"lobby\"} 0"));
    EXPECT_TRUE(has(text, "berth_connection_timeouts_total{deadline=\"idle\",server=\"lobby\"} 0"));
}

TEST(service_metrics, a_pools_takes_and_their_latency_are_those_of_all_its_blocks) {
    metric_registry metrics;
    berth::io_context context;
    berth::reservation_request request;
    request.block = {.first = 0, .count = 2};
    berth::listener_pool pool(request, {&context}, {.grow_by = 2, .most = 4});
    const auto shown = publish(metrics, pool, "matches");
    pool.async_start([](berth::error_code ec) { ASSERT_FALSE(ec); });
    context.run();
    std::vector<berth::listener_pool::endpoint> open;
    for (int i = 0; i < 2; ++i) open.push_back(pool.open(0));
    berth::error_code ec;
    static_cast<void>(pool.open(0, ec));
    EXPECT_EQ(ec, berth::errc::block_exhausted);
    context.restart();
    context.run();  // the second block
    open.push_back(pool.open(0));
    open.erase(open.begin());
    const std::string text = metrics.text();
    EXPECT_TRUE(has(text, "berth_pool_blocks{block=\"matches\"} 2")) << text;
    EXPECT_TRUE(has(text, "berth_takes_total{block=\"matches\"} 3"));
    EXPECT_TRUE(has(text, "berth_gives_back_total{block=\"matches\"} 1"));
    const auto& books = pool.statistics().take_latency;
    const auto samples = std::accumulate(books.begin(), books.end(), std::uint64_t{0});
    EXPECT_TRUE(has(text, "berth_take_seconds_count{block=\"matches\"} " + std::to_string(samples)));
}

TEST(service_metrics, backends_say_which_why_and_how_many_shards_have_them) {
    metric_registry metrics;
    berth::shards shards({.count = 3, .context = {.backend = berth::backend_choice::asio}});
    const auto shown = publish(metrics, shards);
    const std::string reason = shards[0].backend_reason();
    ASSERT_EQ(reason.find_first_of("\\\"\n"), std::string::npos) << "it would be escaped";
    const std::string labels = "{backend=\"asio\",reason=\"" + reason + "\"} ";
    EXPECT_TRUE(has(metrics.text(), "berth_backend_info" + labels + "1")) << metrics.text();
    EXPECT_TRUE(has(metrics.text(), "berth_shards" + labels + "3"));
}

}  // namespace
