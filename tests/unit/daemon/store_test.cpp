// The store: what was committed is there again, in whose hands the file is, and what is refused.
#include "store_ground.hpp"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth::daemon::test {
namespace {

using store_test = store_ground;

TEST_F(store_test, a_new_store_is_empty_and_private) {
    const auto store = open();
    ASSERT_TRUE(store);
    EXPECT_EQ(store->contents(), stored_contents{});
    for (const auto& entry : fs::directory_iterator(directory_)) {
        EXPECT_EQ(fs::status(entry.path()).permissions(), fs::perms(0600)) << entry.path();
    }
}

TEST_F(store_test, what_was_committed_is_there_again) {
    failure f;
    auto contents = some();
    fill(contents);
    EXPECT_EQ(open()->contents(), contents);
    contents.blocks.erase(contents.blocks.begin());
    contents.blocks[0].is_draining = true;
    contents.blocks[1].token = reservation_token(99);
    contents.listed.clear();
    contents.boot.low = 13;
    contents.blocks[0].use = tcp_use::connect;
    fill(contents);
    EXPECT_EQ(open()->contents(), contents);
    fill({});
    EXPECT_EQ(open()->contents(), stored_contents{});
}

TEST_F(store_test, what_is_not_valid_is_not_stored) {
    failure f;
    const auto store = open();
    const auto refuses = [&](auto change) {
        auto contents = some();
        change(contents);
        store->commit(contents, f);
        return f.code == errc::invalid_argument && store->contents() == stored_contents{};
    };
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].block.first = 5019; })) << "overlap";
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].block.first = 4000; })) << "order";
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].block.count = 0; }));
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].block.first = 0; })) << "wildcard";
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[2].block.count = 60537; })) << "past 65535";
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].id = c.blocks[2].id; }));
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].token = c.blocks[2].token; }));
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].token = {}; }));
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].id = 0; }));
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].use = static_cast<tcp_use>(2); }));
    EXPECT_TRUE(refuses([](auto& c) { c.listed[0] = {0, 10}; })) << "a wildcard in the list";
    EXPECT_TRUE(refuses([](auto& c) { c.listed[1] = {65535, 2}; })) << "a list past 65535";
    EXPECT_TRUE(refuses([](auto& c) { c.blocks[1].protocol = transport::tcp_and_udp; }));
    EXPECT_TRUE(refuses([](auto& c) { c.listed[1].first = 5009; }));
}

TEST_F(store_test, a_second_writer_is_refused_and_nothing_is_moved) {
    fill(some());
    const auto first = open();
    const pid_t child = fork();
    if (child == 0) {
        failure f;
        const bool refused = open(f) == nullptr && f.what.find("open in another process") != std::string::npos &&
                             f.what.find(path()) != std::string::npos;
        _exit(refused ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(set_aside(), "");
    failure f;
    first->commit({}, f);
    EXPECT_FALSE(f) << f.what;
}

TEST_F(store_test, a_store_set_aside_is_not_replaced_by_an_empty_one) {
    failure f;
    put("this is not a store");
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find(path()), std::string::npos);
    EXPECT_NE(f.what.find(set_aside()), std::string::npos);
    EXPECT_FALSE(fs::exists(path()));
    EXPECT_FALSE(open(f)) << "the next start, too";
    EXPECT_NE(f.what.find("set aside"), std::string::npos);
    fs::remove(set_aside());
    EXPECT_TRUE(open(f)) << f.what;
}

TEST_F(store_test, a_log_without_its_store_is_refused) {
    failure f;
    std::ofstream(path() + "-wal") << "committed rows";
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find("-wal"), std::string::npos);
}

TEST_F(store_test, a_store_that_others_may_read_is_refused) {
    failure f;
    fill(some());
    fs::permissions(path(), fs::perms::group_read, fs::perm_options::add);
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find("chmod"), std::string::npos);
    EXPECT_EQ(set_aside(), "");
}

TEST_F(store_test, a_store_that_may_only_be_read_is_refused) {
    if (geteuid() == 0) GTEST_SKIP() << "root may write it all the same";
    fill(some());
    fs::permissions(path(), fs::perms::owner_read);
    failure f;
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find("may only be read"), std::string::npos) << f.what;
    EXPECT_EQ(set_aside(), "");
}

TEST_F(store_test, a_directory_in_its_place_is_refused) {
    fs::create_directory(path());
    failure f;
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find("no regular file"), std::string::npos) << f.what;
}

TEST_F(store_test, several_that_are_set_aside_in_one_second_are_all_kept) {
    constexpr int times = 6;
    for (int i = 0; i < times; ++i) {
        std::ofstream(path()) << "this is no store " << i;
        fs::permissions(path(), fs::perms::owner_read | fs::perms::owner_write);
        failure f;
        EXPECT_FALSE(open(f));
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), times);
}

class store_form : public store_ground, public testing::WithParamInterface<const char*> {};

TEST_P(store_form, of_another_kind_is_refused) {
    fill(some());
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    char* said = nullptr;
    EXPECT_EQ(sqlite3_exec(database, GetParam(), nullptr, nullptr, &said), SQLITE_OK) << said;
    sqlite3_close(database);
    failure f;
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find(path()), std::string::npos);
    EXPECT_NE(set_aside(), "");
}

INSTANTIATE_TEST_SUITE_P(changed_behind_our_back, store_form,
                         testing::Values("PRAGMA user_version = 2", "PRAGMA application_id = 1",
                                         "ALTER TABLE block ADD COLUMN more INTEGER", "CREATE TABLE more (x)",
                                         "CREATE INDEX more ON block (first)", "DROP TABLE listed",
                                         "DELETE FROM block WHERE id = 7", "UPDATE block SET token = token + 1",
                                         "UPDATE seal SET boot_low = 1", "DELETE FROM seal", "DELETE FROM listed",
                                         "INSERT INTO seal VALUES (2, 1, 1, 1)", "UPDATE block SET checksum = 0",
                                         "DROP TABLE seal; CREATE TABLE zoo (x UNIQUE)", "CREATE TABLE zoo (x)",
                                         "UPDATE block SET first = first + 65536",  // the same to its checksum
                                         "UPDATE listed SET first = first + 65536", "UPDATE seal SET one = 2"));

}  // namespace
}  // namespace berth::daemon::test
