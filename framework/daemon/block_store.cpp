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
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(store.parent_path(), ignored)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(store.filename().string() + ".damaged-") && !name.ends_with("-wal")) {
            return entry.path().string();
        }
    }
    return {};
}

// Under its name only once it is whole: a maker that dies leaves a `.new` behind, which the next one removes.
void block_store::create(const std::string& path, failure& f) {
    const std::string fresh = path + ".new";
    std::error_code ec, ignored;
    for (const char* end : {"", "-wal", "-shm", "-journal"}) fs::remove(fresh + end, ignored);
    if (const int error = create_private_file(fresh); error != 0) {
        f = refused("the store " + fresh + " cannot be made: " + reason(error) +
                    "; see that the directory exists and " +
                    "belongs to the daemon's user, or name another one with --state");
        return;
    }
    block_store making(fresh);
    bool made = making.open_file(f);
    if (f) return;
    made =
        made && making.execute(store_form) && making.write({}) && making.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string said = making.says();
    made = sqlite3_close(making.database_) == SQLITE_OK && made;
    making.database_ = nullptr;
    if (!made || make_durable(fresh) != 0) {
        f = refused("the store " + fresh + " cannot be written: " + said);
        return;
    }
    fs::rename(fresh, path, ec);
    fs::remove(fresh + "-wal", ignored);
    if (ec || make_durable(fs::path(path).parent_path().string()) != 0) {
        f = refused("the store " + path + " cannot be put in its place: " + ec.message());
    }
}

// False and no failure: damaged.
bool block_store::open_file(failure& f) {
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX;
    const fs::path place(path_);
    const std::string real =
        fs::weakly_canonical(place.parent_path()) / place.filename();  // NOFOLLOW means all of it
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
    } else if (r == SQLITE_CANTOPEN || r == SQLITE_PERM || r == SQLITE_NOMEM || r == SQLITE_FULL) {
        f = refused("the store " + path_ + " cannot be opened: " + says());
    }
    return false;
}

std::unique_ptr<block_store> block_store::open(const std::string& path, failure& f) {
    f = {};
    std::error_code ec;
    const auto status = fs::status(path, ec);
    if (status.type() == fs::file_type::not_found) {
        if (const auto damaged = find_set_aside(path); !damaged.empty()) {
            f = refused("there is no store " + path + ", but a damaged one was set aside as " + damaged +
                        "; put a good copy in its place, or move the damaged one away to begin without any block");
            return nullptr;
        }
        if (fs::exists(path + "-wal", ec) && fs::file_size(path + "-wal", ec) != 0) {
            f = refused("there is no store " + path + ", but its log " + path + "-wal is there; put the store back " +
                        "beside it, or move the log away to begin without any block");
            return nullptr;
        }
        create(path, f);
        if (f) return nullptr;
    } else if (status.type() != fs::file_type::regular) {
        f = refused("the store " + path + " is no regular file or cannot be looked at: " + ec.message());
        return nullptr;
    } else if (is_open_to_others(path)) {
        f = refused("others may read or write the store " + path + ", and it holds tokens; chmod 600 it");
        return nullptr;
    }
    std::unique_ptr<block_store> made(new block_store(path));
    const bool empty = fs::file_size(path, ec) == 0;
    if (!empty && made->open_file(f) && made->load(f)) return made;
    if (!f) f = made->set_aside(empty ? "it is empty" : made->says());
    return nullptr;
}

failure block_store::set_aside(const std::string& what) {
    sqlite3_close(database_);
    database_ = nullptr;
    const std::string stem = path_ + ".damaged-" + std::to_string(std::time(nullptr));
    std::string aside = stem;
    std::error_code ec;
    for (int i = 2; fs::exists(aside, ec); ++i) aside = stem + "-" + std::to_string(i);
    fs::rename(path_, aside, ec);
    if (ec) return refused("the store " + path_ + " is damaged (" + what + ") and cannot be moved: " + ec.message());
    std::error_code ignored;
    fs::rename(path_ + "-wal", aside + "-wal", ignored);
    make_durable(fs::path(path_).parent_path().string());
    return refused("the store " + path_ + " is damaged (" + what +
                   "); nothing of it was used, and it was set aside as " + aside +
                   "; put a good copy in its place, or move the damaged one away to begin without any block");
}

}  // namespace berth::daemon
