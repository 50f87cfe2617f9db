// Rows in and out of the store; see block_store.hpp.
#include "block_store.hpp"
#include "block_store_form.hpp"
#include "platform/files.hpp"
#include "statement.hpp"

#include <algorithm>
#include <cstring>

namespace berth::daemon {
namespace {

const char* const damaged_rows = "a row is damaged";

bool is(statement& s, const char* text) { return s.step() && std::strcmp(s.text(0), text) == 0; }

}  // namespace

// What a statement did not find says nothing of the rows if it had no memory, or the disk did not answer.
std::string block_store::ended(const statement& s, std::string what) {
    if (s.has_failed_outside()) unread_ = s.result();
    return what;
}

std::string block_store::check_form() {
    statement application(database_, "PRAGMA application_id");
    if (!application.step() || application.number(0) != store_application) {
        return ended(application, "it is not a store of berthd's");
    }
    if (sqlite3_db_readonly(database_, "main") == 1) return "its header is of an unknown form";
    statement version(database_, "PRAGMA user_version");
    if (!version.step() || version.number(0) != store_version) {
        return ended(version, "its form is of another version than " + std::to_string(store_version) +
                                  "; if a newer berthd wrote it, run that one");
    }
    statement tables(database_, "SELECT sql FROM sqlite_schema ORDER BY name");
    for (const char* table : {block_table, listed_table, seal_table}) {
        if (!is(tables, table)) return ended(tables, "its tables are not as they should be");
    }
    if (tables.step() || !tables.is_done()) return ended(tables, "there is more in it than there should be");
    statement check(database_, "PRAGMA quick_check(1)");
    if (!is(check, "ok")) return ended(check, "SQLite's own check finds it corrupt");
    return {};
}

std::string block_store::read_all(stored_contents& out) {
    if (auto wrong = check_form(); !wrong.empty()) return wrong;
    statement blocks(database_,
                     "SELECT id, protocol, use, first, count, token, draining, created, checksum FROM block "
                     "ORDER BY protocol, first");
    while (blocks.step()) {
        stored_block b;
        b.id = blocks.number(0);
        b.protocol = static_cast<transport>(blocks.number(1, 3));
        b.use = static_cast<tcp_use>(blocks.number(2, 1));
        b.block = {static_cast<std::uint16_t>(blocks.number(3, 65535)),
                   static_cast<std::uint32_t>(blocks.number(4, 65535))};
        b.token = reservation_token(blocks.number(5));
        b.is_draining = blocks.number(6, 1) != 0;
        b.created = static_cast<std::int64_t>(blocks.number(7));
        if (blocks.number(8) != checksum(b)) return damaged_rows;
        out.blocks.push_back(b);
    }
    if (!blocks.is_done()) return ended(blocks, damaged_rows);
    statement listed(database_, "SELECT first, count FROM listed ORDER BY first");
    while (listed.step()) {
        const auto first = static_cast<std::uint16_t>(listed.number(0, 65535));
        out.listed.push_back({first, static_cast<std::uint32_t>(listed.number(1, 65535))});
    }
    if (!listed.is_done()) return ended(listed, damaged_rows);
    statement seal(database_, "SELECT boot_high, boot_low, checksum, one FROM seal");
    if (!seal.step()) return ended(seal, "its seal is missing");
    out.boot = {seal.number(0), seal.number(1)};
    const bool sealed = seal.number(3) == 1 && seal.number(2) == checksum(out);
    if (seal.step() || !seal.is_done()) return ended(seal, damaged_rows);
    if (!sealed) return "its seal is broken: rows are missing or changed";
    return check_contents(out);
}

bool block_store::load(std::string& wrong, failure& f) {
    wrong = read_all(contents_);
    if (unread_ != SQLITE_OK) {
        f = {errc::system_failure, "the store " + path_ + " cannot be read: " + sqlite3_errstr(unread_), 0, 0};
    }
    return wrong.empty();
}

// Only rows that differ are touched.
bool block_store::write(const stored_contents& next) {
    if (!execute("BEGIN IMMEDIATE")) return false;
    const auto is_in = [](const auto& rows, const auto& row) {
        return std::find(rows.begin(), rows.end(), row) != rows.end();
    };
    bool good = true;
    statement erase(database_, "DELETE FROM block WHERE id = ?1");
    for (const auto& b : contents_.blocks) {
        if (good && !is_in(next.blocks, b)) good = erase.bind(b.id).run();
    }
    statement insert(database_, "INSERT INTO block VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    for (const auto& b : next.blocks) {
        if (!good || is_in(contents_.blocks, b)) continue;
        insert.bind(b.id).bind(std::uint64_t(b.protocol)).bind(std::uint64_t(b.use)).bind(b.block.first);
        insert.bind(b.block.count).bind(b.token.value()).bind(std::uint64_t{b.is_draining});
        good = insert.bind(static_cast<std::uint64_t>(b.created)).bind(checksum(b)).run();
    }
    statement unlist(database_, "DELETE FROM listed");
    good = good && unlist.run();
    statement list(database_, "INSERT INTO listed VALUES (?1, ?2)");
    for (const auto& ports : next.listed) good = good && list.bind(ports.first).bind(ports.count).run();
    statement seal(database_, "INSERT OR REPLACE INTO seal VALUES (1, ?1, ?2, ?3)");
    good = good && seal.bind(next.boot.high).bind(next.boot.low).bind(checksum(next)).run();
    return good && execute("COMMIT");
}

// What failed may lie whole in the log, and the next start would take it for committed: the log is emptied, durably.
bool block_store::take_back() {
    execute("ROLLBACK");
    execute("PRAGMA wal_checkpoint(TRUNCATE)");
    const std::string log = path_ + "-wal";
    const auto left = facts_of(log);
    return left.kind == file_kind::none || (left.kind == file_kind::regular && left.size == 0 && make_durable(log) == 0);
}

void block_store::commit(const stored_contents& next, failure& f) {
    f = {};
    if (auto wrong = check_contents(next); !wrong.empty()) {
        f = {errc::invalid_argument, "not to be stored: " + wrong, 0, 0};
    } else if (is_broken_) {
        f = {errc::system_failure, "the store " + path_ + " failed in a write; start the daemon anew", 0, 0};
    } else if (write(next)) {
        contents_ = next;
        execute("PRAGMA wal_checkpoint(TRUNCATE)");  // durable already; a log that stays is emptied next time
    } else {
        f = {errc::system_failure, "the store " + path_ + " cannot be written: " + says(), 0, 0};
        stored_contents now;
        is_broken_ = !take_back() || !read_all(now).empty() || now != contents_;
    }
}

}  // namespace berth::daemon
