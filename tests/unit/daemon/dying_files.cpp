// A file system of SQLite's that counts changes and dies at one, or acts and fails at one; see dying_files.hpp.
#include "dying_files.hpp"

#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include <utility>

namespace berth::daemon::test {
namespace {

std::uint32_t left = 0;
last_change manner = last_change::left_out;
sqlite3_vfs* real = nullptr;
sqlite3_vfs own;

struct failing_acts {
    std::uint32_t left = 0;
    int result = SQLITE_OK;
    bool for_good = false, failed = false;
};
bool is_failing = false;  // and not dying
failing_acts acts;

struct dying_file {
    sqlite3_file base;
    sqlite3_file* file() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
dying_file* of(sqlite3_file* f) { return reinterpret_cast<dying_file*>(f); }
const sqlite3_io_methods& calls(sqlite3_file* f) { return *of(f)->file()->pMethods; }

void die() {
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
}

template <class Act>
int act(Act whole) {
    if (!is_failing || acts.left == 0 || (acts.left > 1 && --acts.left > 0)) return whole();
    if (!acts.for_good) acts.left = 0;
    acts.failed = true;
    return acts.result;
}

template <class Half, class Whole>
int change(Half half, Whole whole) {
    if (is_failing) return act(whole);
    if (--left != 0) return whole();
    if (manner == last_change::half_done) half();
    if (manner == last_change::done) whole();
    die();
    return SQLITE_IOERR;
}

int close(sqlite3_file* f) { return calls(f).xClose(of(f)->file()); }
int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
    return act([&] { return calls(f).xRead(of(f)->file(), to, size, at); });
}
int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
    const auto part = [&](int bytes) { return calls(f).xWrite(of(f)->file(), from, bytes, at); };
    return change([&] { part(size / 2); }, [&] { return part(size); });
}
int truncate(sqlite3_file* f, sqlite3_int64 size) {
    return change([] {}, [&] { return calls(f).xTruncate(of(f)->file(), size); });
}
int sync(sqlite3_file* f, int flags) {
    return change([] {}, [&] { return calls(f).xSync(of(f)->file(), flags); });
}
int size(sqlite3_file* f, sqlite3_int64* out) {
    return act([&] { return calls(f).xFileSize(of(f)->file(), out); });
}
int lock(sqlite3_file* f, int level) {
    return act([&] { return calls(f).xLock(of(f)->file(), level); });
}
int unlock(sqlite3_file* f, int level) { return calls(f).xUnlock(of(f)->file(), level); }
int is_reserved(sqlite3_file* f, int* out) { return calls(f).xCheckReservedLock(of(f)->file(), out); }
int control(sqlite3_file* f, int what, void* with) { return calls(f).xFileControl(of(f)->file(), what, with); }
int sector(sqlite3_file* f) { return calls(f).xSectorSize(of(f)->file()); }
int traits(sqlite3_file* f) { return calls(f).xDeviceCharacteristics(of(f)->file()); }

const sqlite3_io_methods methods{1,       close,   read,        write,   truncate, sync,   size,
                                 lock,    unlock,  is_reserved, control, sector,   traits, nullptr,
                                 nullptr, nullptr, nullptr,     nullptr, nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    const int r = act([&] { return real->xOpen(real, name, of(f)->file(), flags, out); });
    f->pMethods = r == SQLITE_OK ? &methods : nullptr;
    return r;
}
int remove(sqlite3_vfs*, const char* name, int durably) {
    return change([] {}, [&] { return real->xDelete(real, name, durably); });
}

void take_the_place() {
    sqlite3_initialize();
    real = sqlite3_vfs_find(nullptr);
    own = *real;
    own.szOsFile += static_cast<int>(sizeof(dying_file));
    own.zName = "dying";
    own.xOpen = open;
    own.xDelete = remove;
    sqlite3_vfs_register(&own, 1);
}

}  // namespace

void use_dying_files(std::uint32_t at, last_change how) {
    left = at;
    manner = how;
    take_the_place();
}

void use_failing_files() {
    is_failing = true;
    take_the_place();
}
void fail_act(std::uint32_t at, int result, bool for_good) { acts = {at, result, for_good, false}; }
bool fail_no_more() { return std::exchange(acts, {}).failed; }
void use_real_files() {
    acts = {};
    is_failing = false;
    sqlite3_vfs_unregister(&own);
}

}  // namespace berth::daemon::test
