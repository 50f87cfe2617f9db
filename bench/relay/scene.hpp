// What is asked of a TURN server while contestants take turns. scene.cpp names all; the table is the whole truth.
#pragma once

#include "contest/results.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace berth::bench {

enum class relay_work : std::uint8_t {
    allocate,  // the authenticated request, its nonce known
    session,   // request, challenge, authenticated request, release
    ping,      // Binding requests
    pairs,     // EVEN-PORT with the next port reserved, which a second client claims
    media,     // datagrams through channels, both ways
};

struct relay_scene {
    std::string_view name;     // on the command line and in JSON
    std::string_view title;    // for people
    std::string_view meaning;  // one sentence: what happens
    std::string_view unit;     // of work
    relay_work work = relay_work::allocate;
    headline figure = headline::processor_time;
    unsigned clients = 100;    // of a slice; media: with an allocation each
    unsigned window = 1;       // requests under way in all; media: datagrams of each client
    unsigned occupancy = 0;    // percent of the relay's ports that are taken before
    unsigned repetitions = 1;  // of the work in a slice
    std::size_t size = 0;      // bytes of payload
};

[[nodiscard]] const std::vector<relay_scene>& all_relay_scenes();

}  // namespace berth::bench
