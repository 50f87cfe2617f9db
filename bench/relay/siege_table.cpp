// See siege.hpp: the table of all sieges.
#include "relay/siege_kinds.hpp"

namespace berth::bench {

const std::vector<siege_entry>& all_sieges() {
    // 40 of an address, 200 in all: four addresses cannot take the places of others.
    const std::vector<std::string> doors = {"--max-connections-per-address=40", "--max-connections=200",
                                            "--stream-grace=2"};
    static const std::vector<siege_entry> all = {
        {"flood", "10,000 Allocates a second without credentials, from 5,000 sources", begin_allocate_flood},
        {"garbage", "10,000 datagrams a second that are no messages, or nearly", begin_garbage},
        {"replay", "old nonces, others' nonces, wrong codes, unknown names: 5,000 a second from 4 sources",
         begin_replay},
        {"reflection", "requests in another's name: how many bytes it gets for one", begin_reflection},
        {"half_open", "TCP and TLS connections that never say a word", begin_half_open, doors, 3, 3},
        {"slow_words", "TCP and TLS connections that say a byte twice a second", begin_slow_words, doors, 4, 6},
        {"deaf", "TCP clients that never read while their peer floods them", begin_deaf},
    };
    return all;
}

}  // namespace berth::bench
