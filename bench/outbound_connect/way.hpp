// A way to come by a connection to a given destination from one of 64 ports, and to end it again.
//
// A connection has a number: its destination's place * ports + a place of its own there. Ends are resets in every
// way, so that no TIME_WAIT changes what is measured.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace berth::bench {

inline constexpr std::uint32_t ports_each = 64;
inline constexpr std::uint32_t destinations = 100;

/// IPv4 loopback addresses, host byte order; each is a destination with this port.
struct far_addresses {
    std::uint32_t first = 0x7f000001;
    std::uint16_t port = 0;
};

class way {
public:
    virtual ~way() = default;
    /// Timed. False: it did not get one.
    virtual bool connect(std::uint32_t number) = 0;
    virtual void end(std::uint32_t number) = 0;
};

struct way_entry {
    const char* label;
    const char* timed;                  ///< what one sample covers
    std::uint32_t ephemeral_ports = 0;  ///< what the system chooses from; 0: its usual range
    std::function<std::unique_ptr<way>(const far_addresses&)> make;
};

const std::vector<way_entry>& all_ways();
way_entry shared_ports_entry();   // shared_ports.cpp
way_entry kernel_choice_entry();  // plain_ways.cpp, as the next
way_entry local_range_entry();
way_entry port_ring_entry();

}  // namespace berth::bench
