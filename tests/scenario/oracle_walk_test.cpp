// berth's books and the kernel's sockets say the same after thousands of random operations.
#include "scenario/oracle_walk.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace {

using berth::address_family;
using berth::parking;
using berth::tcp_use;
using berth::transport;
using berth::test::oracle_walk;
using berth::test::walk_kind;

/// 16,000 of all kinds in each run, and each run takes another way; at night more.
std::uint32_t chosen_steps() {
    const char* given = std::getenv("BERTH_WALK_STEPS");
    return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : 2000;
}

std::uint64_t chosen_seed() {
    const char* given = std::getenv("BERTH_WALK_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

constexpr walk_kind kinds[] = {
    {"udp_dual", transport::udp, address_family::dual, tcp_use::listen, parking::best},
    {"udp_dual_by_calls", transport::udp, address_family::dual, tcp_use::listen, parking::system_calls},
    {"udp_ipv4", transport::udp, address_family::ipv4, tcp_use::listen, parking::best},
    {"udp_ipv4_by_calls", transport::udp, address_family::ipv4, tcp_use::listen, parking::system_calls},
    {"tcp_listen", transport::tcp, address_family::dual, tcp_use::listen, parking::best},
    {"tcp_listen_by_calls", transport::tcp, address_family::dual, tcp_use::listen, parking::system_calls},
    {"tcp_connect", transport::tcp, address_family::dual, tcp_use::connect, parking::best},
    {"tcp_connect_by_calls", transport::tcp, address_family::dual, tcp_use::connect, parking::system_calls},
};

constexpr const char* operations[] = {"reserve",       "reserve refused",
                                      "take",          "take refused",
                                      "take_port",     "take_port refused",
                                      "take_pair",     "take_pair refused",
                                      "give_back",     "lend",
                                      "duplicate",     "close duplicate",
                                      "bind",          "bind refused",
                                      "close callers", "give_back callers",
                                      "reclaim",       "traffic",
                                      "release",       "release refused",
                                      "detach",        "give_back detached"};

class oracle_walks : public testing::TestWithParam<walk_kind> {};

TEST_P(oracle_walks, books_and_kernel_agree_after_every_operation) {
    const std::uint64_t seed = chosen_seed();
    std::cout << "BERTH_WALK_SEED=" << seed << std::endl;
    berth::set_log_sink(nullptr);  // a destructor that detaches warns, and here that is no news
    oracle_walk walk(GetParam(), seed);
    const auto rare = [&] {
        for (const char* operation : operations) {
            if (!walk.done().contains(operation) || walk.done().at(operation) < 3) return operation;
        }
        return "";
    };
    try {
        walk.run(chosen_steps());
        for (int more = 0; more < 32 && *rare() != 0; ++more) walk.run(250);  // chance may pass something by
    } catch (const std::exception& differs) {
        FAIL() << differs.what();
    }
    EXPECT_STREQ(rare(), "") << "the walk hardly came to this operation";
}

INSTANTIATE_TEST_SUITE_P(, oracle_walks, testing::ValuesIn(kinds),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
