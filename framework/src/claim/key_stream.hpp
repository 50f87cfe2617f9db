// The ChaCha block function (RFC 8439): turns one fetch of system randomness into many unpredictable draws.
//
// Asking the system for every 128 draws costs 5 ns a draw, a third of a claim; this costs below 2. Draws need no more
// than that an observer of some ports cannot tell the next one: 12 rounds are ample, 20 are what the test vector has.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace berth::claim {

using key_words = std::array<std::uint32_t, 8>;
using block_words = std::array<std::uint32_t, 16>;

template <int Rounds>
block_words key_stream_block(const key_words& key, std::uint32_t counter,
                             const std::array<std::uint32_t, 3>& nonce = {}) noexcept {
    static_assert(Rounds % 2 == 0);
    const block_words start = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0],  key[1],   key[2],   key[3],
                               key[4],     key[5],     key[6],     key[7],     counter, nonce[0], nonce[1], nonce[2]};
    block_words x = start;
    const auto quarter = [&x](std::size_t a, std::size_t b, std::size_t c, std::size_t d) {
        x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 16);
        x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 12);
        x[a] += x[b], x[d] = std::rotl(x[d] ^ x[a], 8);
        x[c] += x[d], x[b] = std::rotl(x[b] ^ x[c], 7);
    };
    for (int round = 0; round < Rounds; round += 2) {
        quarter(0, 4, 8, 12), quarter(1, 5, 9, 13), quarter(2, 6, 10, 14), quarter(3, 7, 11, 15);
        quarter(0, 5, 10, 15), quarter(1, 6, 11, 12), quarter(2, 7, 8, 13), quarter(3, 4, 9, 14);
    }
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += start[i];
    return x;
}

}  // namespace berth::claim
