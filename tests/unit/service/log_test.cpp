// The log: one line a call whatever the values are, limits with their count, and nothing that waits for its reader.
#include <berth/log.hpp>
#include <berth/service/logger.hpp>

#include <gtest/gtest.h>
#include <asio/ip/tcp.hpp>
#include <nlohmann/json.hpp>

#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using berth::service::limited_event;
using berth::service::log_format;
using berth::service::logger;
using berth::service::severity;

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/// What one call writes, without time and severity.
template <class Write>
std::string written(log_format format, Write write) {
    std::ostringstream out;
    {
        logger log({.level = severity::debug, .format = format, .to = &out});
        write(log);
    }
    const auto lines = lines_of(out.str());
    EXPECT_EQ(lines.size(), 1u) << out.str();
    return lines.empty() ? "" : lines[0];
}

TEST(service_log, a_line_has_time_severity_event_and_fields) {
    const std::string line = written(log_format::text, [](logger& log) {
        const asio::ip::tcp::endpoint at(asio::ip::make_address("2001:db8::1"), 80);
        log.warning("seen", {{"user", "anna"},
                             {"n", -3},
                             {"big", ~std::uint64_t{0}},
                             {"half", 0.5},
                             {"yes", true},
                             {"took", 250ms},
                             {"at", at},
                             {"from", at.address()},
                             {"why", make_error_code(std::errc::invalid_argument)}});
    });
    EXPECT_EQ(line.substr(0, 5), "time=");
    EXPECT_EQ(line.substr(line.find(' ') - 1, 1), "Z") << "UTC";
    EXPECT_EQ(line.substr(line.find(' ') + 1),
              "level=warning event=seen user=anna n=-3 big=18446744073709551615 half=0.5 yes=true took=0.25 "
              "at=[2001:db8::1]:80 from=2001:db8::1 why=\"Invalid argument\"");
}

TEST(service_log, nobody_forges_a_line_or_a_field_or_a_terminals_command) {
    const std::string evil = "a b\" level=error\nevent=forged \r\x1b[2J \xc2\x9b \xe2\x80\xae \xff\\";
    const std::string line = written(log_format::text, [&](logger& log) { log.info("login", {{"user", evil}}); });
    EXPECT_TRUE(
        line.ends_with(R"(event=login user="a b\" level=error\nevent=forged \r\u001b[2J \u009b \u202e \ufffd\\")"))
        << line;
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << int(c);
    const std::string empty = written(log_format::text, [](logger& log) { log.info("x", {{"user", ""}}); });
    EXPECT_TRUE(empty.ends_with("user=\"\"")) << empty;
    const std::string key = written(log_format::text, [](logger& log) { log.info("x", {{"a b=", 1}}); });
    EXPECT_TRUE(key.ends_with(" a_b_=1")) << key;
}

TEST(service_log, as_json_each_line_is_an_object_with_the_very_values) {
    const std::string evil = "\"}\n{\"event\":\"forged\"";
    const std::string line = written(log_format::json, [&](logger& log) {
        log.error("login", {{"user", evil}, {"n", 7}, {"ok", false}, {"half", 0.5}});
    });
    const auto object = nlohmann::json::parse(line);
    EXPECT_EQ(object["level"], "error");
    EXPECT_EQ(object["event"], "login");
    EXPECT_EQ(object["user"], evil);
    EXPECT_EQ(object["n"], 7);
    EXPECT_EQ(object["ok"], false);
    EXPECT_EQ(object["half"], 0.5);
}

TEST(service_log, what_is_below_the_level_is_not_written) {
    std::ostringstream out;
    {
        logger log({.level = severity::warning, .to = &out});
        log.debug("no");
        log.info("no");
        log.warning("yes");
        EXPECT_FALSE(log.is_written(severity::info));
        EXPECT_TRUE(log.is_written(severity::error));
    }
    EXPECT_EQ(lines_of(out.str()).size(), 1u);
}

TEST(service_log, threads_write_whole_lines_and_none_is_lost_that_fits) {
    std::ostringstream out;
    logger log({.format = log_format::json, .to = &out});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&log, thread] {
            for (int i = 0; i < 500; ++i) log.info("one", {{"thread", thread}, {"i", i}});
        });
    }
    for (auto& thread : threads) thread.join();
    log.flush();
    std::vector<int> next(4);
    for (const auto& line : lines_of(out.str())) {
        const auto object = nlohmann::json::parse(line);
        EXPECT_EQ(object["i"], next[object["thread"].get<std::size_t>()]++) << "in its thread's order";
    }
    EXPECT_EQ(next, (std::vector<int>(4, 500)));
}

/// A reader that stands still until it is let go.
class stuck_reader : public std::stringbuf {
public:
    void let_go() {
        const std::lock_guard lock(gate_);
        may_go_ = true;
        changed_.notify_all();
    }

protected:
    std::streamsize xsputn(const char* text, std::streamsize size) override {
        std::unique_lock lock(gate_);
        changed_.wait(lock, [this] { return may_go_; });
        return std::stringbuf::xsputn(text, size);
    }

private:
    std::mutex gate_;
    std::condition_variable changed_;
    bool may_go_ = false;
};

TEST(service_log, who_writes_never_waits_for_the_reader_and_the_log_says_what_was_lost) {
    stuck_reader buffer;
    std::ostream out(&buffer);
    std::uint64_t lost = 0;
    int there = 0;
    {
        logger log({.format = log_format::json, .most_waiting = 16, .to = &out});
        for (int i = 0; i < 1000; ++i) log.info("one", {{"i", i}});  // would stand still here for ever
        buffer.let_go();
    }
    for (const auto& line : lines_of(buffer.str())) {
        const auto object = nlohmann::json::parse(line);
        object["event"] == "log_lines_lost" ? lost += object["count"].get<std::uint64_t>() : ++there;
    }
    EXPECT_GE(there, 16);
    EXPECT_LE(there, 20);
    EXPECT_EQ(lost + static_cast<std::uint64_t>(there), 1000u);
}

TEST(service_log, what_strangers_provoke_is_limited_and_counted) {
    std::ostringstream out;
    {
        logger log({.format = log_format::json, .to = &out});
        limited_event refused(log, severity::info, "refused", 3, 1h);
        for (int i = 0; i < 100; ++i) refused({{"i", i}});
        EXPECT_EQ(refused.swallowed(), 97u);
    }
    const auto lines = lines_of(out.str());
    ASSERT_EQ(lines.size(), 4u) << out.str();
    const auto last = nlohmann::json::parse(lines[3]);
    EXPECT_EQ(last["event"], "swallowed");
    EXPECT_EQ(last["of"], "refused");
    EXPECT_EQ(last["count"], 97);
    logger log({.to = &out});
    EXPECT_THROW(limited_event(log, severity::info, "never", 1, 0s), std::invalid_argument);
}

TEST(service_log, what_was_swallowed_is_said_when_its_time_is_over_also_if_nothing_comes_any_more) {
    std::ostringstream out;
    logger log({.to = &out});
    limited_event refused(log, severity::info, "refused", 1, 50ms);
    std::uint64_t calls = 0;
    while (refused.swallowed() < 5) refused(), ++calls;
    for (int i = 0; i < 400; ++i) {
        std::this_thread::sleep_for(10ms);
        log.flush();
        if (out.str().find("event=swallowed") != std::string::npos) break;
    }
    EXPECT_NE(out.str().find("event=swallowed of=refused count=5"), std::string::npos) << out.str() << calls;
    refused();
    log.flush();
    EXPECT_TRUE(lines_of(out.str()).back().ends_with("event=refused")) << "a new time, a new line";
}

TEST(service_log, what_berth_has_to_say_is_a_line_too) {
    std::ostringstream out;
    {
        logger log({.to = &out});
        log.take_berths_messages();
        log.flush();
    }
    berth::set_log_sink(nullptr);
    EXPECT_EQ(out.str(), "") << "and nothing of its own";
}

}  // namespace
