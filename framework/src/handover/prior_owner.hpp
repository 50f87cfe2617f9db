// A process that had a lane before us and may still serve with some of its ports.
//
// A port is its as long as its board says so and it lives; its end is that of the connection over which it handed
// over, which it keeps for its life.
#pragma once

#include "platform/handover_board.hpp"
#include "platform/handover_line.hpp"

#include <memory>
#include <vector>

namespace berth::detail {

struct prior_owner {
    std::shared_ptr<platform::handover_board> board;
    std::shared_ptr<platform::handover_line> line;

    [[nodiscard]] bool has(std::uint32_t index) const noexcept {
        return board->fate(index) == platform::port_fate::out;
    }
};

using prior_owners = std::vector<prior_owner>;

/// Those that have ended are no owners.
inline void forget_the_dead(prior_owners& owners) {
    std::erase_if(owners, [](const prior_owner& o) { return o.line->is_closed(); });
}

inline bool any_has(const prior_owners& owners, std::uint32_t index) noexcept {
    for (const auto& o : owners) {
        if (o.has(index)) return true;
    }
    return false;
}

}  // namespace berth::detail
