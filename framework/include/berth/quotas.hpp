// How many ports, sessions or calls somebody may have at once: a limit for each key, e.g. a user's name.
//
//   berth::quotas quotas({.each = 10});
//   auto hold = quotas.take(user, ec);          // quota_exceeded: he has ten
//   if (ec) co_return co_await reply(486);
//   auto port = pool.open(shard, ec);           // the hold lives beside the port, and ends with it
//
// Invariant: what a key holds is the sum of its living holds, and never came above the limit that it was taken under.
// Only keys with a hold are remembered, and their number has a limit too: strangers cannot make it grow.
#pragma once

#include <berth/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace berth::detail {
class quota_book;
struct quota_entry;
}  // namespace berth::detail

namespace berth::inline v0_1 {

struct quota_options {
    std::uint32_t each = 16;          ///< what a key may hold at once, unless it has a limit of its own
    std::uint32_t most_keys = 65536;  ///< keys that hold anything at once
    std::uint32_t longest_key = 512;  ///< bytes; a longer key is refused with invalid_argument
};

/// Each figure is exact at some instant of the call.
struct quota_statistics {
    std::uint32_t keys = 0;              ///< that hold something
    std::uint64_t held = 0;              ///< by all of them
    std::uint64_t taken = 0;             ///< holds handed out, ever
    std::uint64_t refused_by_limit = 0;  ///< quota_exceeded: the key holds all that it may
    std::uint64_t refused_by_keys = 0;   ///< quota_exceeded: there are most_keys of them
};

/// A part of a key's quota, a move-only resource: its end gives it back. It may outlive the quotas. Any thread.
class quota_hold {
public:
    quota_hold() noexcept = default;  ///< holds nothing
    quota_hold(quota_hold&& other) noexcept
        : book_(std::move(other.book_)), entry_(std::exchange(other.entry_, nullptr)), count_(other.count_) {}
    quota_hold& operator=(quota_hold&& other) noexcept {
        if (this != &other) {
            give_back();
            book_ = std::move(other.book_);
            entry_ = std::exchange(other.entry_, nullptr);
            count_ = other.count_;
        }
        return *this;
    }
    ~quota_hold() { give_back(); }

    /// Post: it holds nothing, and what it held can be taken by its key again. No effect the second time.
    BERTH_DECL void give_back() noexcept;
    explicit operator bool() const noexcept { return entry_ != nullptr; }
    /// What it holds, 0 if nothing.
    [[nodiscard]] std::uint32_t count() const noexcept { return entry_ != nullptr ? count_ : 0; }

private:
    friend class detail::quota_book;
    std::shared_ptr<detail::quota_book> book_;
    detail::quota_entry* entry_ = nullptr;
    std::uint32_t count_ = 0;
};

/// Thread-safe. A call takes the lock of one of 32 parts of the keys for as long as a look-up lasts; it never waits
/// for a hold. Keys are bytes; they are compared as they are.
class quotas {
public:
    /// Throws std::bad_alloc.
    BERTH_DECL explicit quotas(const quota_options& options = {});
    quotas(const quotas&) = delete;
    quotas& operator=(const quotas&) = delete;
    BERTH_DECL ~quotas();

    /// `count` of the key's quota, all or nothing. An empty hold and ec on failure: quota_exceeded (the key would
    /// hold more than it may, or would be one key too many: statistics() counts the two apart), invalid_argument
    /// (count is 0, or the key is longer than longest_key), no_memory.
    [[nodiscard]] BERTH_DECL quota_hold take(std::string_view key, std::uint32_t count, error_code& ec) noexcept;
    [[nodiscard]] quota_hold take(std::string_view key, error_code& ec) noexcept { return take(key, 1, ec); }
    /// Throws std::system_error.
    [[nodiscard]] quota_hold take(std::string_view key, std::uint32_t count = 1) {
        error_code ec;
        auto hold = take(key, count, ec);
        if (ec) throw std::system_error(ec, "berth::quotas: take");
        return hold;
    }

    /// A limit of the key's own, which costs memory until it is taken away. What the key holds beyond it stays.
    /// 0: nothing more is given. Throws std::bad_alloc.
    BERTH_DECL void set_limit(std::string_view key, std::uint32_t limit);
    /// From now on the key has the limit that all have.
    BERTH_DECL void reset_limit(std::string_view key) noexcept;
    /// The limit of keys without one of their own, from now on.
    BERTH_DECL void set_limit_of_each(std::uint32_t limit) noexcept;

    [[nodiscard]] BERTH_DECL std::uint32_t limit(std::string_view key) const noexcept;
    [[nodiscard]] BERTH_DECL std::uint32_t held(std::string_view key) const noexcept;
    [[nodiscard]] BERTH_DECL quota_statistics statistics() const noexcept;

private:
    std::shared_ptr<detail::quota_book> book_;
};

}  // namespace berth::v0_1
