// Reads are of what was written; each change and sync is a call of the daemon's, and may be its last.
#include "simulation/daemon_sqlite.hpp"

#include "simulation/daemon_disk.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace berth::simulation {
namespace {

struct open_file {
    sqlite3_file base;
    disk::file_ref file;
    process* of;  // whose it is: the next daemon's calls are not this one's
};
open_file& of(sqlite3_file* f) { return *reinterpret_cast<open_file*>(f); }
bool is_over(sqlite3_file* f) { return of(f).of->is_dead; }

int close(sqlite3_file* f) {
    of(f).file.~shared_ptr();
    return SQLITE_OK;
}
int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
    const auto& bytes = of(f).file->now;
    if (is_over(f) || disk::here()->on.fails_now()) return SQLITE_IOERR_READ;
    const auto from = std::min(static_cast<std::size_t>(at), bytes.size());
    const auto there = std::min(static_cast<std::size_t>(size), bytes.size() - from);
    std::memcpy(to, bytes.data() + from, there);
    if (there == static_cast<std::size_t>(size)) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + there, 0, static_cast<std::size_t>(size) - there);
    return SQLITE_IOERR_SHORT_READ;
}
int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
    const daemon_call call(disk::here()->on);
    const auto part = call.goes() ? size : call.goes_half() ? size / 2 : 0;
    if (part != 0) of(f).file->write(static_cast<std::size_t>(at), {static_cast<const char*>(from), static_cast<std::size_t>(part)});
    if (call.goes()) return SQLITE_OK;
    return !call.is_dead() && disk::here()->on.chance(500) ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}
int truncate(sqlite3_file* f, sqlite3_int64 size) {
    const daemon_call call(disk::here()->on);
    if (!call.goes()) return SQLITE_IOERR_TRUNCATE;
    of(f).file->cut(static_cast<std::size_t>(size));
    return SQLITE_OK;
}
int sync(sqlite3_file* f, int) {
    const daemon_call call(disk::here()->on);
    if (!call.goes()) return SQLITE_IOERR_FSYNC;
    disk::here()->sync(of(f).file);
    return SQLITE_OK;
}
int size(sqlite3_file* f, sqlite3_int64* out) {
    *out = static_cast<sqlite3_int64>(of(f).file->now.size());
    return is_over(f) ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}
int lock(sqlite3_file* f, int) { return is_over(f) ? SQLITE_IOERR_LOCK : SQLITE_OK; }
int unlock(sqlite3_file*, int) { return SQLITE_OK; }
int is_reserved(sqlite3_file*, int* out) {
    *out = 0;
    return SQLITE_OK;
}
int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 512; }
int traits(sqlite3_file*) { return 0; }

const sqlite3_io_methods methods{1,       close,   read,        write,   truncate,    sync,   size,
                                 lock,    unlock,  is_reserved, control, sector_size, traits, nullptr,
                                 nullptr, nullptr, nullptr,     nullptr, nullptr};

int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    f->pMethods = nullptr;
    auto& there = *disk::here();
    const daemon_call call(there.on);
    if (!call.goes()) return SQLITE_CANTOPEN;
    auto file = name == nullptr ? std::make_shared<disk_file>() : there.find(name);
    if (!file) {
        if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
        file = there.make(name);
        file->name_goes_with_sync = true;
    }
    new (&of(f).file) disk::file_ref(std::move(file));
    of(f).of = there.on.running;
    f->pMethods = &methods;
    if (out != nullptr) *out = flags;
    return SQLITE_OK;
}
int remove(sqlite3_vfs*, const char* name, int durably) {
    auto& there = *disk::here();
    const daemon_call call(there.on);
    if (!call.goes()) return SQLITE_IOERR_DELETE;
    there.remove(name);
    if (durably != 0) there.sync_names();
    return SQLITE_OK;
}
int access(sqlite3_vfs*, const char* name, int, int* out) {
    *out = disk::here()->find(name) != nullptr;
    return SQLITE_OK;
}
int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

int no_surprise(sqlite3_vfs*, int size, char* out) {
    std::memset(out, 7, static_cast<std::size_t>(size));
    return size;
}

}  // namespace

void use_simulated_disk() {
    static sqlite3_vfs own;
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_RESET);
    if (own.zName != nullptr) return;
    sqlite3_initialize();
    own = *sqlite3_vfs_find(nullptr);  // its clock
    own.szOsFile = sizeof(open_file);
    own.zName = "simulated";
    own.xOpen = open;
    own.xDelete = remove;
    own.xAccess = access;
    own.xFullPathname = full_name;
    own.xRandomness = no_surprise;
    sqlite3_vfs_register(&own, 1);
}

}  // namespace berth::simulation
