// The persistent calls of the documents over a berthd of the test's own, and the programs that use them.
//
// A socket draws from a persistent block where the library hands such sockets out; where it does not yet, that part
// is skipped and says so.
#include <gtest/gtest.h>

#include <iphlpapi.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "ground.hpp"
#include "scenario/daemon_ground.hpp"

using namespace compat_test;
using berth::port_block;
using berth::test::free_block;
using berth::transport;

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

class compat_persistent : public berth::test::daemon_ground {
protected:
    void SetUp() override {
        daemon_ground::SetUp();
        ::setenv("BERTH_SOCKET", socket().c_str(), 1);
        if (!IsSkipped()) start();
    }
    static USHORT network(const port_block& block) { return htons(block.first); }
    static USHORT count(const port_block& block) { return static_cast<USHORT>(block.count); }
    static ULONG create(transport protocol, const port_block& block, PULONG64 token) {
        return protocol == transport::tcp ? CreatePersistentTcpPortReservation(network(block), count(block), token)
                                          : CreatePersistentUdpPortReservation(network(block), count(block), token);
    }
    static ULONG lookup(transport protocol, const port_block& block, PULONG64 token) {
        return protocol == transport::tcp ? LookupPersistentTcpPortReservation(network(block), count(block), token)
                                          : LookupPersistentUdpPortReservation(network(block), count(block), token);
    }
    static ULONG remove(transport protocol, const port_block& block) {
        return protocol == transport::tcp ? DeletePersistentTcpPortReservation(network(block), count(block))
                                          : DeletePersistentUdpPortReservation(network(block), count(block));
    }
    /// True if this library takes sockets from persistent blocks.
    static bool hands_out(ULONG64 token) {
        const own_socket socket(SOCK_STREAM);
        return associate(socket, {token}).result == 0;
    }
    struct outcome {
        int status = -1;
        std::string said;
    };
    [[nodiscard]] outcome run(const std::string& command) const {
        const auto file = (directory_ / "said").string();
        const int status = std::system((command + " >" + file + " 2>&1").c_str());
        std::ifstream in(file);
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, {std::istreambuf_iterator<char>(in), {}}};
    }
};

// A library with shares of persistent blocks must hand sockets out; one without them cannot.
#if __has_include(<berth/persistent_share.hpp>)
constexpr bool has_shares = true;
#else
constexpr bool has_shares = false;
#endif

#define SKIP_UNLESS_HANDED_OUT(token)                                                                         \
    if (!has_shares)                                                                                          \
        GTEST_SKIP() << "this library takes no sockets from persistent blocks: associate says invalid_token"; \
    ASSERT_TRUE(hands_out(token))

TEST_F(compat_persistent, a_block_is_created_found_and_deleted) {
    for (const auto protocol : {transport::tcp, transport::udp}) {
        const auto block = free_block(20, protocol);
        ULONG64 token = 0;
        ULONG64 found = 0;
        ASSERT_EQ(create(protocol, block, &token), static_cast<ULONG>(NO_ERROR));
        EXPECT_NE(token, 0u);
        expect_held(protocol, block);
        EXPECT_EQ(lookup(protocol, block, &found), static_cast<ULONG>(NO_ERROR));
        EXPECT_EQ(found, token);
        EXPECT_EQ(remove(protocol, block), static_cast<ULONG>(NO_ERROR));
        expect_free(protocol, block);
        EXPECT_EQ(lookup(protocol, block, &found), static_cast<ULONG>(ERROR_NOT_FOUND));
        EXPECT_EQ(remove(protocol, block), static_cast<ULONG>(ERROR_NOT_FOUND));
    }
}

TEST_F(compat_persistent, invalid_parameters) {
    ULONG64 token = 5;
    const auto invalid = static_cast<ULONG>(ERROR_INVALID_PARAMETER);
    for (const auto protocol : {transport::tcp, transport::udp}) {
        EXPECT_EQ(create(protocol, {0, 20}, &token), invalid) << "no wildcard among these";
        EXPECT_EQ(create(protocol, {5000, 0}, &token), invalid) << "no ports";
        EXPECT_EQ(create(protocol, {65535, 2}, &token), invalid) << "past the last port";
        EXPECT_EQ(create(protocol, {5000, 20}, nullptr), invalid);
        EXPECT_EQ(create(protocol, {5000, 20}, reinterpret_cast<PULONG64>(8)), invalid);
        EXPECT_EQ(lookup(protocol, {5000, 0}, &token), invalid);
        EXPECT_EQ(lookup(protocol, {5000, 20}, nullptr), invalid);
        EXPECT_EQ(remove(protocol, {0, 20}), invalid);
    }
    EXPECT_EQ(token, 5u);
}

TEST_F(compat_persistent, what_is_in_use_or_overlaps) {
    const auto block = free_block(8, transport::tcp);
    const auto shared = static_cast<ULONG>(ERROR_SHARING_VIOLATION);
    ULONG64 token = 0;
    ULONG64 other = 0;
    ASSERT_EQ(create(transport::tcp, {block.first, 4}, &token), static_cast<ULONG>(NO_ERROR));
    EXPECT_EQ(create(transport::tcp, {block.first, 4}, &other), shared) << "the same";
    EXPECT_EQ(create(transport::tcp, {static_cast<std::uint16_t>(block.first + 3), 2}, &other), shared) << "overlaps";
    const auto last = static_cast<std::uint16_t>(block.first + 7);
    const own_socket user(SOCK_STREAM);
    ASSERT_EQ(bind_to(user, last), 0);
    EXPECT_EQ(create(transport::tcp, {last, 1}, &other), shared) << "a port in use";
    EXPECT_EQ(other, 0u);
    const own_socket acquiring(SOCK_STREAM);
    EXPECT_EQ(acquire(acquiring, 2, block.first).from.error, WSAEADDRINUSE) << "a runtime block over it";
    EXPECT_EQ(remove(transport::tcp, {block.first, 4}), static_cast<ULONG>(NO_ERROR));
}

TEST_F(compat_persistent, no_daemon_answers) {
    ::setenv("BERTH_SOCKET", (directory_ / "nobody").c_str(), 1);
    ULONG64 token = 0;
    EXPECT_EQ(create(transport::tcp, {5000, 20}, &token), static_cast<ULONG>(ERROR_SERVICE_NOT_ACTIVE));
    EXPECT_EQ(remove(transport::udp, {5000, 20}), static_cast<ULONG>(ERROR_SERVICE_NOT_ACTIVE));
}

TEST_F(compat_persistent, somebody_without_the_right_is_refused) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs another user than this one";
    const auto block = free_block(2, transport::tcp);
    ULONG64 token = 0;
    ASSERT_EQ(create(transport::tcp, block, &token), static_cast<ULONG>(NO_ERROR));
    ::chmod(directory_.parent_path().c_str(), 0755);
    const auto said = documents::in_child([&]() -> std::string {
        if (::setresgid(54321, 54321, 54321) != 0 || ::setresuid(54321, 54321, 54321) != 0) return "";
        ULONG64 other = 0;
        const auto error = CreatePersistentTcpPortReservation(htons(5000), 2, &other);
        if (error != ERROR_ACCESS_DENIED) return "create says " + std::to_string(error);
        const own_socket drawing(SOCK_STREAM);
        const auto a = associate(drawing, {token});
        if (a.error != WSAEACCES && a.error != WSAEINVAL) return "associate says " + std::to_string(a.error);
        return a.error == WSAEINVAL ? "associate says the token is invalid" : "";
    });
    EXPECT_EQ(remove(transport::tcp, block), static_cast<ULONG>(NO_ERROR));
    if (!has_shares && said == "associate says the token is invalid")
        GTEST_SKIP() << "create was refused; this library takes no sockets from persistent blocks";
    EXPECT_EQ(said, "");
}

TEST_F(compat_persistent, a_release_refuses_a_persistent_token) {
    const auto block = free_block(2, transport::tcp);
    ULONG64 token = 0;
    ASSERT_EQ(create(transport::tcp, block, &token), static_cast<ULONG>(NO_ERROR));
    const own_socket carrying(SOCK_STREAM);
    EXPECT_EQ(release(carrying, {token}).error, WSAEINVAL);
    (void)associate(carrying, {token});  // this process knows it now, if it ever does
    EXPECT_EQ(release(carrying, {token}).error, WSAEINVAL);
    expect_held(transport::tcp, block);
    ULONG64 found = 0;
    EXPECT_EQ(lookup(transport::tcp, block, &found), static_cast<ULONG>(NO_ERROR));
}

TEST_F(compat_persistent, any_socket_of_any_process_with_the_right_draws) {
    const auto block = free_block(4, transport::tcp);
    ULONG64 token = 0;
    ASSERT_EQ(create(transport::tcp, block, &token), static_cast<ULONG>(NO_ERROR));
    SKIP_UNLESS_HANDED_OUT(token);
    {
        const own_socket drawing(SOCK_STREAM);
        ASSERT_EQ(associate(drawing, {token}).result, 0);
        ASSERT_EQ(bind_to(drawing), 0);
        EXPECT_TRUE(block.contains(drawing.port()));
        EXPECT_EQ(remove(transport::tcp, block), static_cast<ULONG>(ERROR_SHARING_VIOLATION)) << "a socket is out";
        ULONG64 found = 0;
        EXPECT_EQ(lookup(transport::tcp, block, &found), static_cast<ULONG>(NO_ERROR));
        EXPECT_EQ(found, token);
        const own_socket another(SOCK_STREAM);
        ASSERT_EQ(associate(another, {token}).result, 0);
        EXPECT_EQ(bind_to(another), 0) << "a refused delete changes nothing";
    }
    EXPECT_EQ(remove(transport::tcp, block), static_cast<ULONG>(NO_ERROR)) << "closed, they are back";
    expect_free(transport::tcp, block);
    const auto line = std::string(BERTH_KEEP_PORTS) + " ";
    const auto other = free_block(6, transport::tcp);
    const auto ran = run(line + std::to_string(other.first) + " 6");
    EXPECT_EQ(ran.status, 0) << ran.said;
    EXPECT_NE(ran.said.find("drawn "), std::string::npos) << ran.said;
    EXPECT_NE(ran.said.find("release refused: 10022"), std::string::npos) << ran.said;
}

TEST_F(compat_persistent, our_program_creates_finds_and_deletes) {
    const auto block = free_block(6, transport::tcp);
    const auto ran = run(std::string(BERTH_KEEP_PORTS) + " " + std::to_string(block.first) + " 6");
    for (const auto* words : {"created, token ", "found 0, the same token", "release refused: 10022", "deleted 0"})
        EXPECT_NE(ran.said.find(words), std::string::npos) << ran.said;
    expect_free(transport::tcp, block);
}

TEST_F(compat_persistent, the_documents_program_runs_through) {
    if (std::getenv("BERTH_DOCUMENTS") == nullptr) GTEST_SKIP() << "BERTH_DOCUMENTS names no folder of the documents";
    const auto block = free_block(20, transport::tcp);
    if (!has_shares) GTEST_SKIP() << "this library takes no sockets from persistent blocks";
    ::setenv("BERTH_FREE_BLOCK", (std::to_string(block.first) + " 20").c_str(), 1);
    const auto ran = run(std::string(BERTH_RUN_DOCUMENTS));
    EXPECT_EQ(ran.status, 0) << ran.said;
    EXPECT_NE(ran.said.find("1 programs of the documents ran"), std::string::npos) << ran.said;
}
