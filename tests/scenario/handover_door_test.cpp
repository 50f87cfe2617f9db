// The place where a hand-over is offered: one process at a time has it, and nobody loses it or takes away another's.
#include "scenario/handover_ground.hpp"

#include "platform/handover_line.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

void limit_descriptors_to(rlim_t soft) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = soft;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/// A successor that has completed, and a predecessor that is gone. The path is in the working directory.
void take_over(const std::string& path, const std::function<void(handover&)>& then) {
    other_process predecessor([&](const word_channel& words) {
        reservation_request request;
        request.block = {0, 2};
        auto ports = port_reservation::reserve(request);
        handover_offer offer(path);
        failure f;
        offer.add(ports, "ports", f);
        words.say("offers");
        asio::io_context context;
        offer.async_hand_over(context, [](error_code) {});
        context.run();
    });
    ASSERT_EQ(predecessor.channel().hear(), "offers");
    auto over = receive_handover(path);
    error_code ec;
    const auto ports = over.take_reservation("ports", ec);
    over.complete();
    EXPECT_EQ(predecessor.wait(), 0);
    then(over);
}

TEST(handover_door, of_two_that_open_at_once_one_gets_it) {
    const std::string path = "pair.socket";
    for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
        std::atomic<int> waiting{2};
        failure failed[2];
        handover_offer offers[2];
        const auto open = [&](int which) {
            --waiting;
            while (waiting != 0) {
            }
            offers[which] = handover_offer(path, failed[which]);
        };
        std::thread other([&] { open(1); });
        open(0);
        other.join();
        EXPECT_NE(static_cast<bool>(offers[0]), static_cast<bool>(offers[1]))
            << i << failed[0].what << failed[1].what;
        EXPECT_EQ((offers[0] ? failed[1] : failed[0]).code, errc::already_bound);
        EXPECT_TRUE(is_there(path));
    }
    EXPECT_FALSE(is_there(path));
}

TEST(handover_door, whoever_opens_waits_for_one_that_has_bound_and_does_not_listen_yet) {
    const int directory = ::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ASSERT_EQ(::flock(directory, LOCK_EX), 0);
    std::atomic<bool> is_open{false};
    handover_offer offer;
    std::thread opens([&] {
        offer = handover_offer("waits.socket");
        is_open = true;
    });
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(is_open);
    EXPECT_FALSE(is_there("waits.socket"));
    ::flock(directory, LOCK_UN);
    opens.join();
    EXPECT_TRUE(is_there("waits.socket"));
    ASSERT_EQ(::flock(directory, LOCK_EX), 0);
    failure f;
    EXPECT_FALSE(handover_offer("never.socket", f));
    EXPECT_NE(f.what.find("lock"), std::string::npos) << f.what;
    ::close(directory);
}

TEST(handover_door, the_end_of_an_offer_takes_no_other_offers_name_away) {
    const std::string path = "name.socket";
    handover_offer first(path);
    ASSERT_EQ(::unlink(path.c_str()), 0);
    const handover_offer second(path);
    first = {};
    EXPECT_TRUE(is_there(path));
}

TEST(handover_door, an_offer_that_fails_for_want_of_descriptors_can_be_made_again) {
    const std::string path = "again.socket";
    take_over(path, [&](handover& over) {
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(next);
        limit_descriptors_to(static_cast<rlim_t>(next));
        failure f;
        EXPECT_FALSE(over.offer(f));
        limit_descriptors_to(before.rlim_cur);
        EXPECT_EQ(f.code, errc::too_many_files) << f.what;
        EXPECT_TRUE(is_there(path));
        const auto offer = over.offer(f);
        EXPECT_TRUE(offer) << f.what;
        EXPECT_TRUE(is_there(path));
    });
    EXPECT_FALSE(is_there(path));
}

TEST(handover_door, a_name_that_is_gone_is_made_again) {
    const std::string path = "gone.socket";
    take_over(path, [&](handover& over) {
        ASSERT_EQ(::unlink(path.c_str()), 0);
        failure f;
        const auto offer = over.offer(f);
        EXPECT_TRUE(offer) << f.what;
        EXPECT_TRUE(is_there(path));
    });
}

TEST(handover_door, too_many_that_wait_are_not_told_that_nobody_offers) {
    const auto address = fresh_address();
    const handover_offer offer(address);  // and nobody lets them in
    std::vector<std::shared_ptr<platform::handover_line>> line;
    failure f;
    do {
        line.push_back(platform::handover_line::connect(address, f));
    } while (!f && line.size() < 100);
    ASSERT_EQ(f.code, errc::operation_aborted) << f.what;
    const auto began = clock::now();
    EXPECT_FALSE(receive_handover(address, f, 100ms));
    EXPECT_EQ(f.code, errc::operation_aborted) << f.what;
    EXPECT_GE(clock::now() - began, 100ms) << "no patience";
}

}  // namespace
}  // namespace berth::test
