// A store whose files fail at every act of SQLite's: nothing is lost and nothing is set aside, for a disk that failed
// once is no damage. What was refused is not there, and what was answered is.
#include "dying_files.hpp"
#include "failing_sync.hpp"
#include "store_fault_ground.hpp"

#include <sqlite3.h>

#include <cerrno>

namespace berth::daemon::test {
namespace {

class store_fault : public store_fault_ground {
protected:
    store_fault() { use_failing_files(); }
    ~store_fault() override { use_real_files(); }
};

TEST_F(store_fault, of_a_file_while_it_is_opened_loses_nothing) {
    fill(some());
    const int failed = at_each([&](std::uint32_t at, bool for_good) {
        fail_act(at, SQLITE_IOERR, for_good);
        return open_and_open_again(fail_no_more, some());
    });
    EXPECT_GT(failed, 20);
}

TEST_F(store_fault, of_a_file_while_it_is_made_leaves_none_that_is_half) {
    const int failed = at_each([&](std::uint32_t at, bool for_good) {
        fs::remove(path());
        fail_act(at, SQLITE_FULL, for_good);
        return open_and_open_again(fail_no_more, {});
    });
    EXPECT_GT(failed, 50);
}

TEST_F(store_fault, of_a_file_in_a_commit_is_told_and_what_the_store_holds_is_known) {
    const int failed = at_each([&](std::uint32_t at, bool for_good) {
        return commit_and_look([&] { fail_act(at, SQLITE_IOERR, for_good); }, fail_no_more);
    });
    EXPECT_GT(failed, 20);
    EXPECT_GT(broken_, 0) << "nobody knows what a file holds that fails for good";
}

TEST_F(store_fault, of_what_makes_it_durable_is_told) {
    const int failed = at_each([&](std::uint32_t at, bool for_good) {
        fs::remove(path());
        fail_sync(at, EIO, for_good);
        return open_and_open_again([] { return sync_no_more() != 0; }, {});
    });
    EXPECT_GT(failed, 2);
    at_each([&](std::uint32_t at, bool for_good) {
        return commit_and_look(
            [&] {
                fail_act(4, SQLITE_IOERR, false);  // the log is emptied again, and that made durable
                fail_sync(at, EIO, for_good);
            },
            [] { return fail_no_more(), sync_no_more() != 0; });
    });
    EXPECT_GT(broken_, 0);
}

TEST_F(store_fault, of_a_file_that_cannot_be_opened_is_told) {
    fill(some());
    for (const int result : {SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_NOMEM, SQLITE_FULL, SQLITE_IOERR}) {
        fail_act(1, result, false);
        failure f;
        EXPECT_FALSE(open(f)) << result;
        EXPECT_TRUE(fail_no_more());
        EXPECT_NE(f.what.find("cannot be opened"), std::string::npos) << f.what;
    }
    EXPECT_EQ(open()->contents(), some());
}

// What a writer left in the log is made durable before it is answered by.
TEST_F(store_fault, of_a_log_that_cannot_be_made_durable_is_told) {
    bool is_left = false;
    for (std::uint32_t at = 1; !is_left && at < 40; ++at) {
        fill({});
        failure f;
        auto store = open();
        fail_act(at, SQLITE_IOERR, true);
        store->commit(some(), f);
        store.reset();
        fail_no_more();
        std::error_code none;
        is_left = !f && fs::file_size(path() + "-wal", none) > 0 && !none;
    }
    ASSERT_TRUE(is_left) << "no commit was answered and its log not emptied";
    for (const std::uint32_t at : {1u, 2u}) {
        fail_sync(at, EIO, false);
        failure f;
        EXPECT_FALSE(open(f));
        EXPECT_EQ(sync_no_more(), 1u);
        EXPECT_NE(f.what.find("cannot be made durable"), std::string::npos) << f.what;
    }
    EXPECT_EQ(open()->contents(), some());
}

TEST_F(store_fault, of_a_store_that_is_damaged_and_cannot_be_moved_leaves_it_where_it_is) {
    put("this is not a store");
    fail_rename(EXDEV);
    failure f;
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find("cannot be moved"), std::string::npos) << f.what;
    EXPECT_EQ(bytes(), "this is not a store");
    EXPECT_EQ(set_aside(), "");
}

TEST_F(store_fault, of_the_new_store_being_put_in_its_place_is_told) {
    fail_rename(EIO);
    failure f;
    EXPECT_FALSE(open(f));
    EXPECT_NE(f.what.find("cannot be put in its place"), std::string::npos) << f.what;
    EXPECT_FALSE(fs::exists(path()));
    EXPECT_TRUE(open(f)) << f.what;
}

TEST_F(store_fault, of_the_directory_that_is_not_there_is_told_with_the_remedy) {
    failure f;
    EXPECT_FALSE(block_store::open((directory_ / "none" / "blocks.db").string(), f));
    EXPECT_NE(f.what.find("--state"), std::string::npos) << f.what;
}

}  // namespace
}  // namespace berth::daemon::test
