// Opening, making and setting aside; reading and writing rows is block_store_rows.cpp.
#include "block_store.hpp"

#include "block_store_form.hpp"
#include "platform/files.hpp"
#include "statement.hpp"

#include <ctime>
#include <filesystem>

namespace berth::daemon {
namespace {

namespace fs = std::filesystem;

failure refused(std::string what) { return {errc::system_failure, std::move(what), 0, 0}; }

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

block_store::~block_store() { sqlite3_close(database_); }

std::string block_store::says() const { return database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_); }

bool block_store::execute(const char* sql) {
    return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

std::string block_store::find_set_aside(const std::string& path) {
    const fs::path store(path);
    const std::string begun = store.filename().string() + ".damaged-";
    for (const auto& name : names_in(store.parent_path().string())) {
        if (name.starts_with(begun) && !name.ends_with("-wal")) {
            return (store.parent_path() / name).string();
        }
    }
    return {};
}

// Under its name only once it is whole: a maker that dies leaves a `.new` behind, which the next one removes.
void block_store::create(const std::string& path, failure& f) {
    const std::string fresh = path + ".new";
    for (const char* end : {"", "-wal", "-shm", "-journal"}) remove_file(fresh + end);
    if (const int error = create_private_file(fresh); error != 0) {
        f = refused("the store " + fresh + " cannot be made: " + reason(error) +
                    "; see that the directory exists and " +
                    "belongs to the daemon's user, or name another one with --state");
        return;
    }
    block_store making(fresh);
    std::string said;
    bool made = making.open_file(said, f);
    if (f) return;
    const std::string form = store_form();
    made =
        made && making.execute(form.c_str()) && making.write({}) && making.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    said = making.says();
    made = sqlite3_close(making.database_) == SQLITE_OK && made;
    making.database_ = nullptr;
    if (!made || make_durable(fresh) != 0) {
        f = refused("the store " + fresh + " cannot be written: " + said);
        return;
    }
    int error = rename_file(fresh, path);
    remove_file(fresh + "-wal");
    if (error == 0) error = make_durable(fs::path(path).parent_path().string());
    if (error != 0) f = refused("the store " + path + " cannot be put in its place: " + reason(error));
}

// False and no failure: it is damaged, and `wrong` says how.
bool block_store::open_file(std::string& wrong, failure& f) {
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
    const std::string real = canonical_place(path_);  // NOFOLLOW means all of it
    int r = sqlite3_open_v2(real.c_str(), &database_, flags, nullptr);
    if (r == SQLITE_OK && sqlite3_db_readonly(database_, "main") == 1) {
        f = refused("the store " + path_ + " may only be read by this user; the daemon must write it");
        return false;
    }
    if (r == SQLITE_OK) {
        // A store that is set aside stays as it was found, its log with it.
        sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
        execute("PRAGMA page_size = 1024; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON");
        const bool open = execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT");
        if (open) return true;
        r = sqlite3_errcode(database_);
    }
    if (r == SQLITE_BUSY) {
        f = refused("the store " + path_ + " is open in another process; two daemons on one store cannot be");
    } else if (r == SQLITE_CANTOPEN || r == SQLITE_PERM || r == SQLITE_NOMEM || r == SQLITE_FULL ||
               r == SQLITE_IOERR) {
        f = refused("the store " + path_ + " cannot be opened: " + says());
    }
    wrong = says();
    return false;
}

std::unique_ptr<block_store> block_store::open(const std::string& path, failure& f) {
    f = {};
    const auto there = facts_of(path);
    if (there.kind == file_kind::none) {
        if (const auto damaged = find_set_aside(path); !damaged.empty()) {
            f = refused("there is no store " + path + ", but a damaged one was set aside as " + damaged +
                        "; put a good copy in its place, or move the damaged one away to begin without any block");
            return nullptr;
        }
        if (facts_of(path + "-wal").size != 0) {
            f = refused("there is no store " + path + ", but its log " + path + "-wal is there; put the store back " +
                        "beside it, or move the log away to begin without any block");
            return nullptr;
        }
        create(path, f);
        if (f) return nullptr;
    } else if (there.kind != file_kind::regular) {
        f = refused("the store " + path + " is no regular file or cannot be looked at: " + reason(there.error));
        return nullptr;
    } else if (is_open_to_others(path)) {
        f = refused("others may read or write the store " + path + ", and it holds tokens; chmod 600 it");
        return nullptr;
    }
    if (there.kind == file_kind::regular && there.size == 0) {
        f = block_store(path).set_aside("it is empty");
        return nullptr;
    }
    // A disk that fails once is no damage, and SQLite's check does not tell them apart: what is set aside was looked
    // at twice.
    std::string wrong;
    for (int looks = 0; looks < 2; ++looks) {
        std::unique_ptr<block_store> made(new block_store(path));
        if (made->open_file(wrong, f) && made->load(wrong, f)) {
            if (const int error = made->settle(); error != 0) {
                f = refused("the store's log " + path + "-wal cannot be made durable: " + reason(error));
                return nullptr;
            }
            return made;
        }
        if (f) return nullptr;
    }
    f = block_store(path).set_aside(wrong);
    return nullptr;
}

// A writer that died in a commit may have left it in the log and not yet on the disk: whoever goes on with what was
// read makes it durable before he answers by it.
int block_store::settle() {
    const std::string log = path_ + "-wal";
    if (facts_of(log).size == 0) return 0;
    if (const int error = make_durable(log); error != 0) return error;
    return make_durable(fs::path(path_).parent_path().string());
}

failure block_store::set_aside(const std::string& what) const {
    const std::string stem = path_ + ".damaged-" + std::to_string(std::time(nullptr));
    std::string aside = stem;
    for (int i = 2; facts_of(aside).kind == file_kind::regular; ++i) aside = stem + "-" + std::to_string(i);
    if (const int error = rename_file(path_, aside); error != 0) {
        return refused("the store " + path_ + " is damaged (" + what + ") and cannot be moved: " + reason(error));
    }
    rename_file(path_ + "-wal", aside + "-wal");
    make_durable(fs::path(path_).parent_path().string());
    return refused("the store " + path_ + " is damaged (" + what +
                   "); nothing of it was used, and it was set aside as " + aside +
                   "; put a good copy in its place, or move the damaged one away to begin without any block");
}

}  // namespace berth::daemon
