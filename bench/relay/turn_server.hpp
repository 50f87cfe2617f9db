// A TURN server as a child on a core of its own: coturn, or berth's relay.
#pragma once

#include "process/pinned_process.hpp"
#include "relay/account.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

/// What every server is told.
struct turn_order {
    std::uint16_t port = 0;              // of 127.0.0.1, UDP
    std::uint16_t first_relay_port = 0;  // 0: any block of that size; not for coturn
    std::uint32_t relay_ports = 0;
};

struct turn_entry {
    std::string_view name;   // on the command line and in JSON
    std::string_view label;  // for people
    int colour = 0;
    bool is_berth = false;
    std::vector<std::string> arguments = {};  // beyond those that all have
};

/// The first one that runs is what the others' ratios are against.
[[nodiscard]] const std::vector<turn_entry>& all_turn_servers();

/// Where its program is; empty if it is not on this machine.
[[nodiscard]] std::string program_of(const turn_entry& entry);

/// The command line that makes it serve like that.
[[nodiscard]] std::vector<std::string> words_for(const turn_entry& entry, const turn_order& order,
                                                 const account& who);

/// A UDP port of the kernel's choice, free a moment ago.
[[nodiscard]] std::uint16_t free_port();

class turn_server {
public:
    /// Returns when it answers at the order's port. Throws std::runtime_error if it does not within five seconds.
    turn_server(const std::vector<std::string>& words, const turn_order& order, const account& who, int core,
                words_of_child spoken);

    [[nodiscard]] const turn_order& order() const noexcept { return order_; }
    [[nodiscard]] pinned_process& process() noexcept { return *process_; }

private:
    turn_order order_;
    std::optional<pinned_process> process_;
};

}  // namespace berth::bench
