// What was answered is on the disk and not only with the kernel: a loss of power takes nothing of it.
//
// The calls that make durable are this program's own, in front of the C library's, for SQLite as for us: each does
// what it is to do, and is noted, with whether the store had its name by then.
#include "dying_files.hpp"
#include "store_ground.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace berth::daemon::test {
namespace {

struct noted_sync {
    std::string path;
    bool has_store;
};

std::vector<noted_sync>* notes = nullptr;
std::string noted_store;

long note_sync(long call, int fd) {
    if (notes != nullptr) {
        std::error_code ec;
        auto path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), ec).string();
        notes->push_back({std::move(path), fs::exists(noted_store, ec)});
    }
    return ::syscall(call, fd);
}

class store_durable : public store_ground {
protected:
    void SetUp() override { noted_store = path(), notes = &noted_; }
    void TearDown() override { notes = nullptr; }
    [[nodiscard]] std::ptrdiff_t syncs(const fs::path& of) const {
        return std::count_if(noted_.begin(), noted_.end(), [&](const auto& n) { return n.path == of; });
    }
    std::vector<noted_sync> noted_;
};

TEST_F(store_durable, a_commit_is_synced_before_it_is_answered) {
    const auto store = open();
    auto contents = some();
    for (int i = 0; i < 4; ++i) {
        noted_.clear();
        failure f;
        contents.boot = {1, static_cast<std::uint64_t>(i)};
        store->commit(contents, f);
        ASSERT_FALSE(f) << f.what;
        EXPECT_GE(syncs(path() + "-wal"), 1) << "commit " << i;
    }
}

TEST_F(store_durable, a_new_store_is_whole_on_the_disk_before_its_name_and_the_name_before_it_is_used) {
    const auto store = open();
    const auto whole = std::find_if(noted_.rbegin(), noted_.rend(), [](const auto& n) { return !n.has_store; });
    ASSERT_NE(whole, noted_.rend());
    EXPECT_EQ(whole->path, path() + ".new") << "the last that was synced before it had its name";
    EXPECT_TRUE(std::any_of(noted_.begin(), noted_.end(), [&](const auto& n) {
        return n.has_store && n.path == directory_;
    })) << "nothing makes the new name durable";
}

TEST_F(store_durable, what_a_dead_writer_left_in_the_log_is_synced_before_anybody_goes_by_it) {
    static_cast<void>(open());
    int logs = 0;
    for (std::uint32_t at = 1; logs < 5; ++at) {
        const pid_t child = fork();
        if (child == 0) {
            use_dying_files(at, last_change::done);
            auto contents = some();
            contents.boot = {2, at};
            fill(contents);
            _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        ASSERT_FALSE(WIFEXITED(status)) << "only " << logs << " of " << at << " changes left a log behind";
        std::error_code none;
        const auto left = fs::file_size(path() + "-wal", none);
        if (none || left == 0) continue;
        ++logs;
        noted_.clear();
        const auto store = open();
        EXPECT_GE(syncs(path() + "-wal"), 1) << "after change " << at << " of a file";
    }
}

}  // namespace
}  // namespace berth::daemon::test

extern "C" int fsync(int fd) { return static_cast<int>(berth::daemon::test::note_sync(SYS_fsync, fd)); }
extern "C" int fdatasync(int fd) { return static_cast<int>(berth::daemon::test::note_sync(SYS_fdatasync, fd)); }
