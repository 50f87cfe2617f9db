// The opaque name of a reservation: 64 random non-zero bits (the documents' ULONG64 Token).
//
// A token carries no rights of its own: it is good in the acquiring process alone, until release. Never derived from
// an address, an index or a counter; compared in constant time. "Token" alone is never said: see ARCHITECTURE.md.
#pragma once

#include <cstdint>

namespace berth::inline v0_1 {

class reservation_token {
public:
    constexpr reservation_token() noexcept = default;
    constexpr explicit reservation_token(std::uint64_t value) noexcept : value_(value) {}

    /// The 64 bits, as the documents print them. 0: no reservation.
    [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }
    constexpr explicit operator bool() const noexcept { return value_ != 0; }
    friend constexpr bool operator==(reservation_token, reservation_token) noexcept = default;

private:
    std::uint64_t value_ = 0;
};

}  // namespace berth::v0_1
