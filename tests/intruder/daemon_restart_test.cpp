// Intruders try for the ports of a persistent block while its daemon is killed and started again: no port is theirs
// for an instant.
#include "intruder.hpp"
#include "scenario/daemon_ground.hpp"

#include <iostream>

namespace berth::test {
namespace {

class daemon_restart : public daemon_ground, public testing::WithParamInterface<transport> {};

TEST_P(daemon_restart, leaves_no_port_free_for_an_instant) {
    intruder_crew crew(GetParam() == transport::udp ? attacked::udp : attacked::tcp);
    start();
    failure f;
    const auto block = free_block(8, GetParam());
    create_persistent(block, GetParam(), f, at());
    ASSERT_FALSE(f) << f.what;
    const auto sockets = inodes_on(GetParam(), block);
    crew.promise_begins();
    crew.attack(block.first, block.count);
    for (int i = 0; i < 40 && !HasFatalFailure(); ++i) {
        kill_daemon();
        start();
    }
    EXPECT_EQ(inodes_on(GetParam(), block), sockets);
    crew.promise_ends();
    const auto report = crew.stop();
    std::cout << report.tries << " tries, " << report.bound << " hits\n";
    EXPECT_GT(report.tries, 1'000u);
    EXPECT_EQ(report.bound, 0u) << report;
    EXPECT_EQ(persistent_status(f, at()).blocks_held, 1u);
}

std::string name_of(const testing::TestParamInfo<transport>& given) {
    return given.param == transport::udp ? "udp" : "tcp";
}
INSTANTIATE_TEST_SUITE_P(of_both_protocols, daemon_restart, testing::Values(transport::tcp, transport::udp), name_of);

}  // namespace
}  // namespace berth::test
