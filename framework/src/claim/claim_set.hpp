// Who has which port: the lock-free claim. INTERFACE SKETCH, owned by the claim work; see comments for semantics.
#pragma once

#include <berth/reservation_request.hpp>

#include <cstdint>

namespace berth::claim {

inline constexpr std::uint32_t none = ~std::uint32_t{0};

class claim_set {
public:
    /// All `count` indices start out unavailable; fill with put_back(). first_port decides which index is even.
    claim_set(std::uint16_t first_port, std::uint32_t count, draw_order order);
    ~claim_set();
    claim_set(const claim_set&) = delete;
    claim_set& operator=(const claim_set&) = delete;

    std::uint32_t claim() noexcept;                       ///< any available index by the draw order; none: exhausted
    std::uint32_t claim_pair() noexcept;                  ///< an even port's index, its odd sibling is claimed too
    bool claim_given(std::uint32_t index) noexcept;       ///< exactly this one
    void put_back(std::uint32_t index) noexcept;          ///< available at once

    void cool(std::uint32_t index, std::uint64_t ready_at) noexcept;  ///< rests until next_due() says so; any tick unit
    std::uint32_t next_due(std::uint64_t now) noexcept;   ///< takes one rested index out of cooling; none: none is due
    [[nodiscard]] bool anything_cooling() const noexcept; ///< a hint, cheap; false only if nothing was cooling

    [[nodiscard]] std::uint32_t available() const noexcept;  ///< for the books, exact when quiescent
};

}  // namespace berth::claim
