// Whether this system knows a way to an address, and an address of its own to speak from.
//
// Asked after a connect that failed as if its tuple were taken: a missing source address fails in the same words.
#pragma once

#include <cstddef>

namespace berth::platform {

/// An address in the system's form. Nothing is sent. True if in doubt.
bool has_way_to(const void* address, std::size_t size) noexcept;

}  // namespace berth::platform
