// A child forked while its parent holds a block: what it says is its answer, what it did is looked for in the parent.
//
// Invariant compared: whatever the child did, the parent's books, its open ports, its silent ones and its exclusive
// hold on the block are as they were before the fork.
#pragma once

#include "failing_ground.hpp"
#include "support/in_forked_child.hpp"

namespace berth::test {

/// Four ports are reserved and two of them are out, one lent to other code, when the test begins.
class forked_child : public testing::TestWithParam<way> {
protected:
    void SetUp() override;
    bound_port take();
    [[nodiscard]] oracle_protocol kind() const {
        return GetParam().protocol == transport::tcp ? oracle_protocol::tcp : oracle_protocol::udp;
    }
    bool serves(const bound_port& p);
    /// What a silent port of the block does with what comes: nothing.
    bool parked_ports_are_silent();
    /// Gives the two ports back: for the end of a test.
    void expect_unchanged();

    port_reservation reservation_;
    bound_port open_, lent_;
    port_counts before_;
};

}  // namespace berth::test
