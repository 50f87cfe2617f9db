// One prepared statement of SQLite, finalized when it goes.
//
// Invariant: no call throws and none is ignored: after the first that failed the others do nothing, and `result()`
// is its code. Integers alone: unsigned values travel as the 64 bits that they are.
#pragma once

#include <sqlite3.h>

#include <cstdint>

namespace berth::daemon {

class statement {
public:
    statement(sqlite3* database, const char* sql) noexcept {
        result_ = sqlite3_prepare_v2(database, sql, -1, &made_, nullptr);
    }
    ~statement() { sqlite3_finalize(made_); }
    statement(const statement&) = delete;
    statement& operator=(const statement&) = delete;

    /// The next parameter.
    statement& bind(std::uint64_t value) noexcept {
        if (result_ == SQLITE_OK) result_ = sqlite3_bind_int64(made_, ++bound_, static_cast<std::int64_t>(value));
        return *this;
    }
    /// True: there is a row.
    bool step() noexcept {
        if (result_ == SQLITE_OK || result_ == SQLITE_ROW) result_ = sqlite3_step(made_);
        return result_ == SQLITE_ROW;
    }
    /// Runs one that has no rows to its end, and makes ready for the next parameters. False: failed.
    bool run() noexcept {
        if (step() || result_ != SQLITE_DONE) return false;
        bound_ = 0;
        result_ = sqlite3_reset(made_);
        return result_ == SQLITE_OK;
    }
    /// Pre: step() said true. What is no integer, or is out of [0, most], is an error.
    std::uint64_t number(int column, std::uint64_t most = ~std::uint64_t{0}) noexcept {
        const auto value = static_cast<std::uint64_t>(sqlite3_column_int64(made_, column));
        if (sqlite3_column_type(made_, column) != SQLITE_INTEGER || value > most) result_ = SQLITE_CORRUPT;
        return value;
    }
    /// Pre: step() said true. Of NULL, and for want of memory, which is an error: nothing.
    [[nodiscard]] const char* text(int column) noexcept {
        const auto* bytes = sqlite3_column_text(made_, column);
        if (bytes != nullptr) return reinterpret_cast<const char*>(bytes);
        result_ = sqlite3_errcode(sqlite3_db_handle(made_));
        return "";
    }
    [[nodiscard]] int result() const noexcept { return result_; }
    /// True: for want of memory, or by the disk, so it says nothing of what is stored.
    [[nodiscard]] bool has_failed_outside() const noexcept {
        return result_ == SQLITE_NOMEM || result_ == SQLITE_IOERR;
    }
    /// True once all rows were read without an error.
    [[nodiscard]] bool is_done() const noexcept { return result_ == SQLITE_DONE; }

private:
    sqlite3_stmt* made_ = nullptr;
    int result_ = SQLITE_OK;
    int bound_ = 0;
};

}  // namespace berth::daemon
