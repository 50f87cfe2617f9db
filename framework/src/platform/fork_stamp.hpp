// Tells a forked child from its parent at the price of one load.
//
// A stamp is non-zero and the same for a process's life; a child reads another one than its parent, also after a bare
// clone(2), because the kernel wipes the page that holds it.
#pragma once

#include <cstdint>

namespace berth::platform {

std::uint64_t fork_stamp() noexcept;

}  // namespace berth::platform
