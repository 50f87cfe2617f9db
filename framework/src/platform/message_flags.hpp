// Flags of the system's for sends, by what they ask for.
#pragma once

namespace berth::detail {

/// A stream's send ends when all of its bytes are taken, or with an error, not at the first that finds no room.
extern const int send_all_of_it;

}  // namespace berth::detail
