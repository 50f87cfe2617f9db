// The store: the daemon's contents in one SQLite file, durable before commit() returns.
//
// Invariant: what is loaded is exactly what the last commit() that returned wrote (or the one in flight when the
// writer died), or nothing is: a file that is cut short, changed in any byte that matters, or of an unknown form is
// set aside under another name and refused with words, and so is every later start until somebody put a store back or
// chose to begin anew. One process at a time: the file is locked as long as it is open. Write-ahead log, fully
// synchronous, and emptied into the file at each commit, so that between two commits the file alone is the truth and
// its seal, a sum over all rows, covers it.
#pragma once

#include "stored_blocks.hpp"

#include <memory>
#include <string>
#include <vector>

struct sqlite3;

namespace berth::daemon {

class statement;

class block_store {
public:
    /// Opens, or makes where there is none and none was set aside. nullptr and a failure that says what to do.
    static std::unique_ptr<block_store> open(const std::string& path, failure& f);
    ~block_store();
    block_store(const block_store&) = delete;
    block_store& operator=(const block_store&) = delete;

    [[nodiscard]] const stored_contents& contents() const noexcept { return contents_; }

    /// Replaces the contents. Post on success: durable. On failure: contents() is what the file holds, unless
    /// is_broken(): then nobody knows, and only a new open() can tell.
    void commit(const stored_contents& next, failure& f);
    [[nodiscard]] bool is_broken() const noexcept { return is_broken_; }

    /// Where a damaged store of this path was moved to; empty: nowhere.
    static std::string find_set_aside(const std::string& path);

private:
    explicit block_store(std::string path) : path_(std::move(path)) {}
    static void create(const std::string& path, failure& f);
    bool open_file(std::string& wrong, failure& f);
    bool load(std::string& wrong, failure& f);
    int settle();
    std::string read_all(stored_contents& out);
    std::string check_form();
    bool write(const stored_contents& next);
    bool take_back();
    bool execute(const char* sql);
    [[nodiscard]] std::string says() const;
    [[nodiscard]] failure set_aside(const std::string& what) const;  // pre: not open
    std::string ended(const statement& s, std::string what);

    std::string path_;
    sqlite3* database_ = nullptr;
    stored_contents contents_;
    bool is_broken_ = false;
    int unread_ = 0;  // SQLite's code, where rows could not be read for want of memory or by the disk
};

}  // namespace berth::daemon
