// A berthd of the test's own: started, killed and started again, with its store and its socket in a temporary place.
//
// At the end the daemon is stopped and its keeper ended, whatever happened before. Where the programs cannot be run
// by this user the tests are skipped.
#pragma once

#include <berth/persistent.hpp>

#include "support/free_block.hpp"

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace berth::test {

class daemon_ground : public testing::Test {
protected:
    daemon_ground();
    ~daemon_ground() override;
    void SetUp() override;

    /// Post: it answers, unless `waits` is false. `in_child` runs before the program does.
    void start(const std::vector<std::string>& more = {}, bool waits = true,
               const std::function<void()>& in_child = {});
    /// Runs it to its end, ten seconds at most. What it said, and its exit status.
    struct ended {
        int status = 0;
        std::string said;
    };
    [[nodiscard]] ended run(const std::vector<std::string>& more) const;
    void kill_daemon();
    /// SIGTERM; the exit status.
    int stop_daemon();
    void end_keeper() const;
    [[nodiscard]] bool answers() const;
    [[nodiscard]] pid_t keeper() const;

    /// A block whose ports nobody has now.
    static bool can_bind(transport protocol, std::uint16_t port);
    static std::set<std::uint64_t> inodes_on(transport protocol, const port_block& block);
    /// Every port is held, each by two sockets that nobody else's is among.
    static void expect_held(transport protocol, const port_block& block);
    static void expect_free(transport protocol, const port_block& block);

    [[nodiscard]] persistent_options at() const { return {.use = tcp_use::listen, .socket_path = socket()}; }
    [[nodiscard]] std::string socket() const { return (directory_ / "berthd.sock").string(); }
    [[nodiscard]] std::string state() const { return (directory_ / "state").string(); }
    [[nodiscard]] std::string log() const;

    const std::filesystem::path directory_;
    pid_t daemon_ = 0;

private:
    [[nodiscard]] pid_t spawn(const std::vector<std::string>& more, const std::string& log,
                              const std::function<void()>& in_child = {}) const;
};

}  // namespace berth::test
