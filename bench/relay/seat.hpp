// One contestant of one scene: its server, as full as the scene wants it, its clients, and one slice of work at a
// time.
//
// Invariant: between two slices the server holds the same allocations. coturn keeps a released port for a second, so
// a slice that would run the free ports down waits until enough of those released before have come back.
#pragma once

#include "relay/media.hpp"
#include "relay/scene.hpp"
#include "relay/turn_server.hpp"

#include <deque>
#include <memory>

namespace berth::bench {

class seat {
public:
    /// Throws std::runtime_error or server_silent.
    seat(const turn_entry& entry, const relay_scene& what, const turn_order& order, const account& who, int core,
         nanoseconds patience);

    /// duration: of a slice of media; the others last as long as their work.
    [[nodiscard]] slice_figures slice(nanoseconds duration);

    /// Refusals so far, "3 x 508"; mostly nothing.
    [[nodiscard]] std::string complaints() const { return seen_.complaints(); }

private:
    struct outcome {
        std::uint64_t done = 0, lost = 0;
    };
    struct released {
        nanoseconds at;
        std::uint32_t ports;
    };
    void fill(std::uint32_t ports);
    void fill_with_pairs(std::uint32_t pairs);
    void wait_for_ports(std::uint32_t wanted);
    [[nodiscard]] client_range challenged(std::uint32_t count);
    void end_of(client_range who, std::uint32_t ports);
    outcome note(const exchange_outcome& one);
    outcome work(client_range who, client_range seconds, recorder& latency);

    const relay_scene* what_;
    turn_server server_;
    turn_clients clients_;
    std::unique_ptr<media> media_;
    std::deque<released> resting_;
    std::uint32_t free_ports_;
    exchange_outcome seen_;
};

}  // namespace berth::bench
