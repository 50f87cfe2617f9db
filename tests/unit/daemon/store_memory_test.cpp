// A store whose memory ends at every allocation of SQLite's: as where its files fail, nothing is lost.
#include "store_fault_ground.hpp"

#include <sqlite3.h>

#include <utility>

namespace berth::daemon::test {
namespace {

struct failing_memory {
    sqlite3_mem_methods real{};
    std::uint32_t left = 0;
    bool for_good = false, failed = false;

    bool ends() {
        if (left == 0 || (left > 1 && --left > 0)) return false;
        if (!for_good) left = 0;
        return failed = true;
    }
};
failing_memory memory;

class store_memory : public store_fault_ground {
protected:
    store_memory() {
        sqlite3_shutdown();
        sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory.real);
        auto ours = memory.real;
        ours.xMalloc = [](int size) { return memory.ends() ? nullptr : memory.real.xMalloc(size); };
        ours.xRealloc = [](void* old, int size) { return memory.ends() ? nullptr : memory.real.xRealloc(old, size); };
        EXPECT_EQ(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
        EXPECT_EQ(sqlite3_initialize(), SQLITE_OK);
    }
    ~store_memory() override {
        sqlite3_shutdown();
        sqlite3_config(SQLITE_CONFIG_MALLOC, &memory.real);
    }
    static void end_at(std::uint32_t at, bool for_good) {
        memory.left = at, memory.for_good = for_good, memory.failed = false;
    }
    static bool end_no_more() {
        memory.left = 0;
        return std::exchange(memory.failed, false);
    }
};

TEST_F(store_memory, ends_while_the_store_is_opened_and_nothing_is_lost) {
    fill(some());
    const int failed = at_each([&](std::uint32_t at, bool for_good) {
        end_at(at, for_good);
        return open_and_open_again(end_no_more, some());
    });
    EXPECT_GT(failed, 100);
}

TEST_F(store_memory, ends_in_a_commit_and_what_the_store_holds_is_known) {
    const int failed = at_each(
        [&](std::uint32_t at, bool for_good) { return commit_and_look([&] { end_at(at, for_good); }, end_no_more); });
    EXPECT_GT(failed, 20);
}

}  // namespace
}  // namespace berth::daemon::test
