// SQLite's files, as they are, until a change of them that was chosen before: there the process kills itself.
//
// The change is counted over writes, truncations, syncs and deletions of all files together. It is left out, done in
// half, or done, and then comes SIGKILL. Invariant: what was done before is with the kernel, as after any kill -9.
#pragma once

#include <cstdint>

namespace berth::daemon::test {

enum class last_change : std::uint8_t { left_out, half_done, done };

/// From now on SQLite's default. `at`: the change to die at, from 1 on. Once a process.
void use_dying_files(std::uint32_t at, last_change how);

}  // namespace berth::daemon::test
