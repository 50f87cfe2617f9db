// See scene.hpp.
#include "relay/scene.hpp"

namespace berth::bench {

const std::vector<relay_scene>& all_relay_scenes() {
    using enum relay_work;
    using enum headline;
    static const std::vector<relay_scene> all = {
        {"allocate", "Allocate, authenticated, 32 under way", "New clients that know their nonce allocate.",
         "allocation", allocate, processor_time, 200, 32},
        {"session", "Allocate, challenge, Allocate, Refresh 0; 32 under way",
         "New clients allocate, are challenged, allocate again, and release.", "session", session, processor_time,
         200, 32},
        {"ping", "Binding request, one at a time: what loopback and waking the server take",
         "The floor of what follows: a request that needs no port and no integrity.", "request", ping, tail_latency,
         200, 1},
        {"one_10", "Allocate, one at a time, 10 % of the ports taken: 99 % within",
         "One request under way; the client spins.", "allocation", allocate, tail_latency, 200, 1, 10},
        {"one_90", "Allocate, one at a time, 90 % of the ports taken: 99 % within",
         "One request under way; the client spins.", "allocation", allocate, tail_latency, 200, 1, 90},
        {"burst_10", "64 clients allocate at the same instant, 10 % of the ports taken: 99 % within",
         "A conference begins: how long its last members wait.", "allocation", allocate, tail_latency, 64, 64, 10, 3},
        {"burst_90", "64 clients allocate at the same instant, 90 % of the ports taken: 99 % within",
         "A conference begins: how long its last members wait.", "allocation", allocate, tail_latency, 64, 64, 90, 3},
        {"pairs_90", "EVEN-PORT pair, one at a time, 90 % of the ports taken by pairs: 99 % within",
         "An even port with the next one reserved; a second client claims that by its token.", "pair", pairs,
         tail_latency, 80, 1, 90},
        {"voice_1", "Voice, 160 B, 1 allocation, 64 under way", "Channel data to a peer that echoes it.", "datagram",
         media, processor_time, 1, 64, 0, 1, 160},
        {"voice_50", "Voice, 160 B, 50 allocations, 4 under way each", "Channel data to a peer that echoes it.",
         "datagram", media, processor_time, 50, 4, 0, 1, 160},
        {"voice_500", "Voice, 160 B, 500 allocations, 1 under way each", "Channel data to a peer that echoes it.",
         "datagram", media, processor_time, 500, 1, 0, 1, 160},
        {"video_1", "Video, 1,200 B, 1 allocation, 32 under way", "Channel data to a peer that echoes it.",
         "datagram", media, processor_time, 1, 32, 0, 1, 1200},
        {"video_50", "Video, 1,200 B, 50 allocations, 4 under way each", "Channel data to a peer that echoes it.",
         "datagram", media, processor_time, 50, 4, 0, 1, 1200},
        {"video_500", "Video, 1,200 B, 500 allocations, 1 under way each", "Channel data to a peer that echoes it.",
         "datagram", media, processor_time, 500, 1, 0, 1, 1200},
    };
    return all;
}

}  // namespace berth::bench
