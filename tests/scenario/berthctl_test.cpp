// berthctl as an administrator or a script sees it: tables, JSON that can be parsed, exit codes, words on stderr.
#include "daemon_ground.hpp"

#include <berth/persistent_share.hpp>

#include <fmt/format.h>
#include <sys/wait.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace berth::test {
namespace {

using nlohmann::json;

class berthctl : public daemon_ground {
protected:
    struct outcome {
        int status = -1;
        std::string said;
    };
    /// `where`: 1 what it printed, 2 what it complained of.
    [[nodiscard]] outcome ctl(const std::string& words, int where = 1) const {
        return run_program(std::string(BERTHCTL_PROGRAM) + " --socket " + socket() + " " + words +
                           (where == 1 ? " 2>/dev/null" : " 2>&1 >/dev/null"));
    }
    [[nodiscard]] static outcome run_program(const std::string& command) {
        outcome out;
        std::FILE* const pipe = ::popen(command.c_str(), "r");
        char piece[4096];
        for (std::size_t n = 0; (n = std::fread(piece, 1, sizeof piece, pipe)) != 0;) out.said.append(piece, n);
        const int status = ::pclose(pipe);
        out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return out;
    }
    static std::string words_for(const char* protocol, const port_block& block) {
        return std::string(" ") + protocol + " " + std::to_string(block.first) + " " + std::to_string(block.count);
    }
};

TEST_F(berthctl, does_all_there_is_to_do) {
    start();
    const auto block = free_block(10, transport::tcp_and_udp);
    const auto tcp = words_for("tcp", block), udp = words_for("udp", block);
    const auto token = ctl("create" + tcp);
    EXPECT_EQ(token.status, 0);
    EXPECT_EQ(token.said.size(), 17u) << token.said;
    EXPECT_EQ(
        ctl("create --use connect" + words_for("tcp", {static_cast<std::uint16_t>(block.first + 10), 1})).status, 0);
    EXPECT_EQ(ctl("create" + udp).status, 0);
    EXPECT_EQ(ctl("lookup" + tcp).said, token.said);
    const auto table = ctl("list").said;
    EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4);
    EXPECT_NE(table.find(std::to_string(block.first) + "-" + std::to_string(block.first + 9)), std::string::npos);
    EXPECT_NE(ctl("drain" + udp).said.find("draining"), std::string::npos);
    EXPECT_EQ(ctl("drain --undo" + udp).said.find("draining"), std::string::npos);
    EXPECT_NE(ctl("status").said.find("3 held"), std::string::npos);
    EXPECT_NE(ctl("status --prometheus").said.find("\nberthd_ports 21\n"), std::string::npos);
    EXPECT_EQ(ctl("delete" + tcp).status, 0);
    EXPECT_EQ(ctl("lookup" + tcp).status, 1);
}

TEST_F(berthctl, speaks_json) {
    start();
    const auto block = free_block(10, transport::udp);
    const auto udp = words_for("udp", block);
    const auto token = json::parse(ctl("--json create" + udp).said).at("token").get<std::string>();
    const auto all = json::parse(ctl("list --json").said);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].at("first"), block.first);
    EXPECT_EQ(all[0].at("count"), 10);
    EXPECT_EQ(all[0].at("protocol"), "udp");
    EXPECT_EQ(all[0].at("state"), "held");
    EXPECT_EQ(all[0].at("token"), token);
    const auto status = json::parse(ctl("--json status").said);
    EXPECT_EQ(status.at("ports"), 10);
    EXPECT_EQ(status.at("process"), daemon_);
    const auto refused = json::parse(ctl("--json create" + udp, 2).said);
    EXPECT_NE(refused.at("what").get<std::string>().find("overlap"), std::string::npos);
    EXPECT_EQ(refused.at("port"), block.first);
}

TEST_F(berthctl, shows_what_is_with_consumers) {
    start();
    const auto block = free_block(10, transport::udp);
    const auto udp = words_for("udp", block);
    failure f;
    const auto token = create_persistent(block, transport::udp, f, at());
    share_options options;
    options.socket_path = socket();
    auto share = open_persistent(token, options);
    error_code ec;
    auto out = share.take_port(block.first, ec);
    EXPECT_FALSE(ec) << ec.message();
    const auto all = json::parse(ctl("list --json").said);
    EXPECT_EQ(all.at(0).at("out"), 1);
    EXPECT_EQ(all.at(0).at("consumers"), 1);
    const auto status = json::parse(ctl("status --json").said);
    EXPECT_EQ(status.at("ports_out"), 1);
    EXPECT_EQ(status.at("consumers"), 1);
    const auto metrics = ctl("status --prometheus").said;
    const auto label = fmt::format("{{block=\"udp {}-{}\"}}", block.first, block.first + 9);
    EXPECT_NE(metrics.find("\nberthd_block_ports" + label + " 10\n"), std::string::npos) << metrics;
    EXPECT_NE(metrics.find("\nberthd_block_ports_out" + label + " 1\n"), std::string::npos) << metrics;
    const auto shown = run_program(std::string(BERTH_PROGRAM) + " top --once " + socket());
    EXPECT_EQ(shown.status, 0);
    EXPECT_NE(shown.said.find("\n  1 blocks, 1 held; 10 ports, 1 out with 1 consumers"), std::string::npos)
        << shown.said;
    const auto row = fmt::format("udp {}-{}", block.first, block.first + 9);
    EXPECT_NE(shown.said.find(row), std::string::npos) << shown.said;
    EXPECT_NE(metrics.find("\nberthd_ports_out 1\n"), std::string::npos) << metrics;
    EXPECT_NE(metrics.find("\nberthd_consumers 1\n"), std::string::npos) << metrics;
    EXPECT_NE(ctl("list").said.find("CONSUMERS"), std::string::npos);
    EXPECT_NE(ctl("status").said.find("1, with 1 ports"), std::string::npos);
    EXPECT_EQ(ctl("delete" + udp).status, 1);
    EXPECT_NE(ctl("delete" + udp, 2).said.find("1 ports of the block are with 1 consumers"), std::string::npos);
}

TEST_F(berthctl, exits_with_what_a_script_needs_to_know) {
    EXPECT_EQ(ctl("list").status, 4);
    EXPECT_NE(ctl("list", 2).said.find(socket()), std::string::npos);
    start();
    const auto block = free_block(2, transport::udp);
    EXPECT_EQ(ctl("create" + words_for("udp", block)).status, 0);
    EXPECT_EQ(ctl("create" + words_for("udp", block)).status, 1) << "overlaps";
    EXPECT_EQ(ctl("delete" + words_for("tcp", block)).status, 1) << "there is none";
    for (const char* senseless : {"", "create", "create sctp 5000 1", "create tcp 65535 2", "create tcp 0 1",
                                  "create tcp 5000 0", "create tcp x 1", "create tcp 70000 1", "create tcp -1 1",
                                  "lookup tcp 5000", "no-such-command", "list --no-such-option"}) {
        EXPECT_EQ(ctl(senseless).status, 2) << senseless;
    }
    EXPECT_EQ(ctl("--help").status, 0);
    EXPECT_EQ(ctl("--version").status, 0);
}

}  // namespace
}  // namespace berth::test
