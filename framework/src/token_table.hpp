// The tokens of this process's live reservations.
//
// Invariant: a token is in the table from the moment its block is held until its release begins; 64 random non-zero
// bits, never given out twice while the first lives. Looking one up compares all entries, each in constant time, so the
// time tells a guesser nothing. Off the fast path: a mutex.
#pragma once

#include <berth/reservation_token.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace berth::detail {

class reservation_core;

class token_table {
public:
    static token_table& instance() noexcept;

    reservation_token add(const std::shared_ptr<reservation_core>& core);
    void remove(reservation_token token) noexcept;
    /// nullptr: unknown, released, or never this process's.
    [[nodiscard]] std::shared_ptr<reservation_core> find(reservation_token token) noexcept;
    /// In a forked child: true if the token was its parent's at the fork. False as well where that cannot be told.
    [[nodiscard]] static bool is_parents(reservation_token token) noexcept;

private:
    struct entry {
        reservation_token token;
        std::weak_ptr<reservation_core> core;
    };
    [[nodiscard]] std::shared_ptr<reservation_core> look_up(reservation_token token) const noexcept;

    std::mutex mutex_;
    std::vector<entry> entries_;
};

}  // namespace berth::detail
