// How much one source address may be answered before it has shown that it is there: so many answers a second.
//
// A UDP source may be forged, and whoever is named as it gets the answers. A fixed table of counts, its places chosen
// by a keyed hash: sources that share a place share its budget. An IPv6 source is its /64. Belongs to one thread.
#pragma once

#include "stun_integrity.hpp"

#include <asio/ip/address.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

namespace relay {

class source_budget {
public:
    /// a_second 0: no limit. At once twice as many.
    explicit source_budget(std::uint32_t a_second) : a_second_(a_second), places_(a_second == 0 ? 0 : place_count) {
        std::array<std::uint8_t, sizeof seed_> seed{};
        fill_randomly(seed);
        std::memcpy(&seed_, seed.data(), sizeof seed_);
    }

    /// True: answer it.
    [[nodiscard]] bool spend(const asio::ip::address& source, std::chrono::steady_clock::time_point now) noexcept {
        if (a_second_ == 0) return true;
        place& p = places_[hash(source) % place_count];
        const std::chrono::duration<double> gone = now - p.since;
        p.left = std::min(2.0 * a_second_, p.left + gone.count() * a_second_);
        p.since = now;
        if (p.left < 1) return false;
        p.left -= 1;
        return true;
    }

private:
    static constexpr std::size_t place_count = 4096;
    struct place {
        double left = 0;
        std::chrono::steady_clock::time_point since{};
    };

    [[nodiscard]] std::uint64_t hash(const asio::ip::address& source) const noexcept {
        std::uint64_t word = 0;
        if (source.is_v4()) {
            word = source.to_v4().to_uint();
        } else {
            const auto bytes = source.to_v6().to_bytes();
            std::memcpy(&word, bytes.data(), sizeof word);
        }
        word = (word ^ seed_) * 0x9E3779B97F4A7C15U;
        word = (word ^ word >> 32) * (seed_ | 1);
        return word ^ word >> 29;
    }

    std::uint32_t a_second_;
    std::uint64_t seed_ = 0;
    std::vector<place> places_;
};

}  // namespace relay
