// The ChaCha block function (RFC 8439), four blocks side by side: one fetch of system randomness, many draws.
//
// Asking the system for every 128 draws costs 5 ns a draw, as much as the rest of a claim. This costs 1 ns, because
// the four blocks are computed in the lanes of the same vector instructions. Draws need no more than that an observer
// of some ports cannot tell the next one: 8 rounds are ample (the best attack known breaks 7, and needs far more than
// this much of one key's stream), 20 are what the RFC's test vector has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace berth::claim {

inline constexpr std::size_t key_stream_lanes = 4;

using key_words = std::array<std::uint32_t, 8>;
// GCC's and Clang's vectors: with arrays the optimiser finds the lanes at -O3 only, and is 20 times slower at -O2.
using key_stream_lane_words = std::uint32_t __attribute__((vector_size(4 * key_stream_lanes)));
using key_stream_blocks = std::array<key_stream_lane_words, 16>;

/// The blocks of counter, counter + 1, ... : word w of the i-th is [w][i].
template <int Rounds>
key_stream_blocks key_stream(const key_words& key, std::uint32_t counter,
                             const std::array<std::uint32_t, 3>& nonce = {}) noexcept {
    static_assert(Rounds % 2 == 0);
    const auto all = [](std::uint32_t word) { return key_stream_lane_words{} + word; };
    const key_stream_blocks start = {all(0x61707865),
                                     all(0x3320646e),
                                     all(0x79622d32),
                                     all(0x6b206574),
                                     all(key[0]),
                                     all(key[1]),
                                     all(key[2]),
                                     all(key[3]),
                                     all(key[4]),
                                     all(key[5]),
                                     all(key[6]),
                                     all(key[7]),
                                     all(counter) + key_stream_lane_words{0, 1, 2, 3},
                                     all(nonce[0]),
                                     all(nonce[1]),
                                     all(nonce[2])};
    key_stream_blocks x = start;
    const auto mix = [&x](std::size_t sum, std::size_t add, std::size_t turned, int bits) {
        x[sum] += x[add];
        x[turned] ^= x[sum];
        x[turned] = (x[turned] << bits) | (x[turned] >> (32 - bits));
    };
    const auto quarter = [&mix](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        mix(a, b, d, 16), mix(c, d, b, 12), mix(a, b, d, 8), mix(c, d, b, 7);
    };
    for (int round = 0; round < Rounds; round += 2) {
        quarter(0, 4, 8, 12), quarter(1, 5, 9, 13), quarter(2, 6, 10, 14), quarter(3, 7, 11, 15);
        quarter(0, 5, 10, 15), quarter(1, 6, 11, 12), quarter(2, 7, 8, 13), quarter(3, 4, 9, 14);
    }
    for (std::size_t w = 0; w < 16; ++w) x[w] += start[w];
    return x;
}

}  // namespace berth::claim
