// The tokens of this process's live reservations.
//
// Invariant: a token is in the table from the moment its block is held until its release begins; 64 random non-zero
// bits, never given out twice while the first lives, or a persistent block's, which the daemon drew. Looking one up
// compares all entries, each in constant time, so the time tells a guesser nothing. Off the fast path: a mutex.
#pragma once

#include <berth/reservation_token.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace berth::detail {

class reservation_core;

class token_table {
public:
    static token_table& instance();

    reservation_token add(const std::shared_ptr<reservation_core>& core);
    /// A persistent block's: several reservations of one process may have it, and the first of them is found.
    void add(const std::shared_ptr<reservation_core>& core, reservation_token token);
    /// Where `from` was found, `by` is; no moment lies in between.
    void replace(const reservation_core& from, const std::shared_ptr<reservation_core>& by) noexcept;
    void remove(const reservation_core& core) noexcept;
    /// nullptr: unknown, released, or never this process's.
    [[nodiscard]] std::shared_ptr<reservation_core> find(reservation_token token) noexcept;
    /// In a forked child: true if the token was its parent's at the fork. False as well where that cannot be told.
    [[nodiscard]] static bool is_parents(reservation_token token);

private:
    struct entry {
        reservation_token token;
        std::weak_ptr<reservation_core> core;
        const reservation_core* address = nullptr;
    };
    [[nodiscard]] std::shared_ptr<reservation_core> look_up(reservation_token token) const noexcept;

    std::mutex mutex_;
    std::vector<entry> entries_;
};

}  // namespace berth::detail
