// The threads of lookups, as Linux shows them.
#include <berth/resolver.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "unit/io/resolver_ground.hpp"

namespace {

using namespace io_test;
using berth::tcp_resolver;

struct task {
    std::string name, blocked;
};

std::vector<task> lookup_threads() {
    std::vector<task> all;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream status(entry.path() / "status");
        task t;
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("Name:")) t.name = line.substr(6);
            if (line.starts_with("SigBlk:")) t.blocked = line.substr(8);
        }
        if (t.name == "berth lookup") all.push_back(t);
    }
    return all;
}

TEST_P(resolver, a_name_is_looked_up_by_a_named_thread_that_hears_no_signal) {
    slow_names::hold();
    tcp_resolver names(context());
    bool ended = false;
    names.async_resolve("slow.test", "80", [&](error_code ec, auto found) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(found.begin()->host_name(), "slow.test");
        EXPECT_EQ(found.begin()->endpoint().port(), 80);
        ended = true;
    });
    wait_for_slow(1);
    EXPECT_EQ(context().poll(), 0u);
    EXPECT_FALSE(context().stopped()) << "a lookup is work";
    const auto threads = lookup_threads();
    ASSERT_FALSE(threads.empty());
    for (const auto& t : threads) EXPECT_GE(std::stoull(t.blocked, nullptr, 16) & 0x7fff'ffffULL, 0x7ffb'feffULL);
    slow_names::let_go();
    run();
    EXPECT_TRUE(ended);
}

TEST_P(resolver, twenty_names_have_four_threads_at_most) {
    slow_names::hold();
    tcp_resolver names(context());
    for (int i = 0; i < 20; ++i) names.async_resolve("slow" + std::to_string(i), "1", [](error_code, auto) {});
    wait_for_slow(4);
    EXPECT_LE(lookup_threads().size(), 4u);
    slow_names::let_go();
    run();
}

}  // namespace
