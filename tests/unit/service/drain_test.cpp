// A program's end, with real signals: clean when its parts have ended, cut when the time is over, at once when
// insisted.
#include <berth/service/service.hpp>

#include <gtest/gtest.h>
#include <asio/post.hpp>

#include <csignal>
#include <sstream>
#include <thread>

namespace {

using namespace std::chrono_literals;
using berth::service::exit_code;
using berth::service::graceful_drain;
using berth::service::logger;
using clock = std::chrono::steady_clock;

class service_drain : public testing::Test {
protected:
    /// Runs until the drain is over, with `then` on shard 0 as its first work.
    template <class Then>
    int run(graceful_drain& drain, Then then) {
        asio::post(shards_[0], then);
        const auto begun = clock::now();
        const int code = drain.run();
        took_ = clock::now() - begun;
        log_.flush();
        return code;
    }
    bool was_logged(const std::string& words) { return out_.str().find(words) != std::string::npos; }

    std::ostringstream out_;
    logger log_{{.to = &out_}};
    berth::shards shards_{{.count = 2}};
    clock::duration took_{};
};

TEST_F(service_drain, it_is_clean_when_every_part_has_ended) {
    graceful_drain drain(shards_, log_, 60s);
    std::vector<graceful_drain::part_done> open;
    drain.on_begin([&](auto time, auto done) {
        EXPECT_EQ(time, 60s);
        EXPECT_TRUE(drain.is_draining());
        open.push_back(done);
    });
    drain.on_begin([&](auto, auto done) {
        done();
        done();  // the second time has no effect
        asio::post(shards_[1], [&] {
            std::this_thread::sleep_for(20ms);
            open[0]();
        });
    });
    EXPECT_FALSE(drain.is_draining());
    EXPECT_EQ(run(drain, [] { std::raise(SIGTERM); }), exit_code::clean);
    EXPECT_GE(took_, 20ms);
    EXPECT_TRUE(was_logged("event=drain_begins why=SIGTERM time=60")) << out_.str();
    EXPECT_TRUE(was_logged("event=drain_ended how=clean")) << out_.str();
}

TEST_F(service_drain, with_nothing_open_it_ends_at_once) {
    graceful_drain drain(shards_, log_, 60s);
    EXPECT_EQ(run(drain, [] { std::raise(SIGINT); }), exit_code::clean);
    EXPECT_TRUE(was_logged("why=SIGINT"));
}

TEST_F(service_drain, it_is_cut_when_the_time_is_over) {
    graceful_drain drain(shards_, log_, 50ms);
    drain.on_begin([](auto, auto) {});
    EXPECT_EQ(run(drain, [] { std::raise(SIGTERM); }), exit_code::cut);
    EXPECT_GE(took_, 50ms);
    EXPECT_LT(took_, 30s);
    EXPECT_TRUE(was_logged("how=cut"));
}

TEST_F(service_drain, a_second_signal_ends_at_once) {
    graceful_drain drain(shards_, log_, 60s);
    drain.on_begin([](auto, auto) { std::raise(SIGTERM); });
    EXPECT_EQ(run(drain, [] { std::raise(SIGINT); }), exit_code::insisted);
    EXPECT_LT(took_, 30s);
    EXPECT_TRUE(was_logged("how=insisted"));
}

TEST_F(service_drain, a_hangup_ends_nothing) {
    graceful_drain drain(shards_, log_, 60s);
    EXPECT_EQ(run(drain,
                  [&] {
                      std::raise(SIGHUP);
                      std::raise(SIGTERM);
                  }),
              exit_code::clean);
    EXPECT_TRUE(was_logged("event=hangup does=nothing")) << out_.str();
}

TEST_F(service_drain, a_hangup_is_the_programs_if_it_wants_it) {
    graceful_drain drain(shards_, log_, 60s);
    int reread = 0;
    drain.on_hangup([&] {
        ++reread;
        drain.begin();
    });
    EXPECT_EQ(run(drain, [] { std::raise(SIGHUP); }), exit_code::clean);
    EXPECT_EQ(reread, 1);
    EXPECT_TRUE(was_logged("why=asked"));
}

TEST_F(service_drain, an_exception_of_a_shard_is_logged_and_ends_it) {
    graceful_drain drain(shards_, log_, 60s);
    EXPECT_EQ(run(drain, [] { throw std::runtime_error("it broke"); }), exit_code::failed);
    EXPECT_TRUE(was_logged("event=failed what=\"it broke\"")) << out_.str();
}

TEST(service_run, a_whole_service_starts_says_where_its_metrics_are_and_drains) {
    berth::service::program program("test", "A test", "1");
    const char* const argv[] = {"test", "--metrics=127.0.0.1:0", "--shards=2", "--log-level=error"};
    ASSERT_EQ(program.parse(4, argv), std::nullopt);
    struct ended {
        bool* told;
        ~ended() {
            if (told != nullptr) *told = true;
        }
        ended(bool* who) : told(who) {}
        ended(ended&& o) noexcept : told(std::exchange(o.told, nullptr)) {}
    };
    bool was_ended = false;
    const int code = berth::service::run(program, [&](berth::service::service& s) {
        EXPECT_EQ(s.shards().size(), 2u);
        EXPECT_NE(s.metrics().text().find("\nberth_draining 0\n"), std::string::npos) << s.metrics().text();
        s.drain().on_begin([&s](auto, auto done) {
            EXPECT_NE(s.metrics().text().find("\nberth_draining 1\n"), std::string::npos) << s.metrics().text();
            done();
        });
        s.drain().begin();
        return ended(&was_ended);
    });
    EXPECT_EQ(code, exit_code::clean);
    EXPECT_TRUE(was_ended);
}

TEST(service_run, a_start_that_throws_is_a_failure) {
    berth::service::program program("test", "A test", "1");
    const char* const argv[] = {"test", "--shards=1", "--log-level=error"};
    ASSERT_EQ(program.parse(3, argv), std::nullopt);
    testing::internal::CaptureStderr();
    EXPECT_EQ(
        berth::service::run(program, [](berth::service::service&) -> int { throw std::runtime_error("no port"); }),
        exit_code::failed);
    EXPECT_NE(testing::internal::GetCapturedStderr().find("level=error event=failed what=\"no port\""),
              std::string::npos);
}

}  // namespace
