// The keeper: what is put into it is there after whoever put it is gone, under its name, the same open file; and its
// messages: what is made can be read, what nobody makes is refused.
#include "keeper_message.hpp"
#include "platform/keeper_link.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>

namespace berth::daemon::test {
namespace {

namespace fs = std::filesystem;

class keeper : public testing::Test {
protected:
    void SetUp() override {
        if (::access(BERTH_KEEPER_PROGRAM, X_OK) != 0) GTEST_SKIP() << "this user cannot run " BERTH_KEEPER_PROGRAM;
    }
    ~keeper() override {
        failure f;
        keeper_link::end(place_.socket_path, f);
    }
    [[nodiscard]] std::unique_ptr<keeper_link> open() const {
        failure f;
        auto link = keeper_link::open(place_, f);
        EXPECT_TRUE(link) << f.what;
        return link;
    }
    static ino_t inode_of(int fd) {
        struct stat status {};
        return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
    }
    /// Pipes, each another file: as many as asked for, put under keys of these blocks in turn.
    static std::vector<kept_socket> put_pipes(keeper_link& link, std::size_t count, std::uint64_t blocks) {
        std::vector<kept_socket> out;
        for (std::size_t i = 0; i < count; ++i) {
            int ends[2];
            EXPECT_EQ(::pipe(ends), 0);
            ::close(ends[1]);
            out.push_back({{1 + i % blocks, static_cast<std::uint16_t>(i), socket_role::session}, ends[0]});
        }
        failure f;
        link.put(out, f);
        EXPECT_FALSE(f) << f.what;
        std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
        return out;
    }
    static void expect_same(const std::vector<kept_socket>& put, std::vector<kept_socket> fetched) {
        ASSERT_EQ(put.size(), fetched.size());
        for (std::size_t i = 0; i < put.size(); ++i) {
            EXPECT_EQ(put[i].key, fetched[i].key) << i;
            EXPECT_EQ(inode_of(put[i].fd), inode_of(fetched[i].fd)) << i;
        }
        close_all(fetched);
    }
    static std::vector<kept_socket> fetch(keeper_link& link) {
        failure f;
        std::vector<kept_socket> out;
        link.fetch(out, f);
        EXPECT_FALSE(f) << f.what;
        return out;
    }
    static void close_all(std::vector<kept_socket>& all) {
        for (auto& s : all) ::close(s.fd);
        all.clear();
    }

    const keeper_place place_{(fs::temp_directory_path() / "keeper.sock").string(), BERTH_KEEPER_PROGRAM};
};

TEST_F(keeper, keeps_what_it_got_beyond_the_life_of_who_gave_it) {
    const pid_t child = ::fork();
    if (child == 0) {
        const auto link = open();
        put_pipes(*link, 600, 3);
        ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    const auto link = open();
    auto kept = fetch(*link);
    EXPECT_EQ(kept.size(), 600u);
    EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.key < b.key; }));
    close_all(kept);
}

TEST_F(keeper, gives_back_the_same_files_under_the_same_names) {
    for (const std::size_t count : {1u, 252u, 253u, 254u, 506u, 507u, 1000u}) {
        const auto link = open();
        auto put = put_pipes(*link, count, 7);
        expect_same(put, fetch(*link));
        expect_same(put, fetch(*link));
        close_all(put);
        for (std::uint64_t block = 1; block <= 7; ++block) {
            failure f;
            link->remove_block(block, f);
        }
        EXPECT_TRUE(fetch(*link).empty());
    }
}

TEST_F(keeper, removes_by_key_and_by_block_and_replaces) {
    const auto link = open();
    auto put = put_pipes(*link, 300, 2);
    failure f;
    std::vector<kept_key> keys{put[0].key, put[1].key, {99, 1, socket_role::holder}};
    link->remove(keys, f);
    EXPECT_FALSE(f) << f.what;
    ::close(put[0].fd), ::close(put[1].fd);
    put.erase(put.begin(), put.begin() + 2);
    expect_same(put, fetch(*link));
    std::swap(put[0].fd, put[1].fd);
    link->put(std::span(put).first(2), f);
    expect_same(put, fetch(*link));
    link->remove_block(1, f);
    auto left = fetch(*link);
    EXPECT_TRUE(std::all_of(left.begin(), left.end(), [](const auto& s) { return s.key.block == 2; }));
    EXPECT_EQ(left.size(), 150u);
    close_all(left), close_all(put);
}

TEST_F(keeper, that_died_is_replaced_by_an_empty_one) {
    const auto link = open();
    auto put = put_pipes(*link, 10, 1);
    failure f;
    EXPECT_FALSE(link->renew(f)) << "it was well";
    const auto said = link->describe();
    const auto process = std::stoi(said.substr(said.find_last_of(' ') + 1));
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
    link->put(put, f);
    EXPECT_TRUE(f);
    EXPECT_TRUE(link->renew(f));
    EXPECT_FALSE(f) << f.what;
    EXPECT_TRUE(fetch(*link).empty());
    link->put(put, f);
    expect_same(put, fetch(*link));
    close_all(put);
}

TEST_F(keeper, cannot_be_started_from_nothing) {
    failure f;
    EXPECT_FALSE(keeper_link::open({place_.socket_path, "/nonexistent/berth_keeper"}, f));
    EXPECT_NE(f.what.find("/nonexistent/berth_keeper"), std::string::npos) << f.what;
    EXPECT_FALSE(keeper_link::open({"/nonexistent/keeper.sock", BERTH_KEEPER_PROGRAM}, f));
    EXPECT_NE(f.what.find("/nonexistent/keeper.sock"), std::string::npos) << f.what;
    EXPECT_FALSE(keeper_link::end(place_.socket_path, f));
    EXPECT_FALSE(f) << "there was none to end";
}

TEST(keeper_message, is_read_as_it_was_made_and_nothing_else_is) {
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        keeper_message m{.verb = static_cast<keeper_verb>(1 + random() % 5),
                         .value = static_cast<std::uint32_t>(random()),
                         .keys = {}};
        const auto count = m.verb == keeper_verb::remove_block ? random() % 2 : random() % 254;
        for (std::uint64_t k = 0; k < count; ++k) {
            m.keys.push_back(
                {random(), static_cast<std::uint16_t>(random()), static_cast<socket_role>(1 + random() % 3)});
        }
        auto bytes = encode(m);
        ASSERT_EQ(parse_keeper_message(bytes), m);
        for (auto n = 1 + random() % 3; n != 0; --n)
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        if (random() % 4 == 0) bytes.resize(random() % (bytes.size() + 20));
        const auto read = parse_keeper_message(bytes);
        ASSERT_TRUE(!read || encode(*read) == bytes);
    }
}

}  // namespace
}  // namespace berth::daemon::test
