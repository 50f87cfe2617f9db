// SQLite's files, as they are, until a change of them that was chosen before: there the process kills itself, or the
// change fails.
//
// Changes are writes, truncations, syncs and deletions, counted over all files together. The last one is left out,
// done in half, or done, and then comes SIGKILL. Invariant: what was done before is with the kernel, as after any
// kill -9. What fails is left out, and reading, opening, locking and asking for a size count as well.
#pragma once

#include <cstdint>

namespace berth::daemon::test {

enum class last_change : std::uint8_t { left_out, half_done, done };

/// From now on SQLite's default. `at`: the change to die at, from 1 on. Once a process.
void use_dying_files(std::uint32_t at, last_change how);

/// From now on SQLite's default, for files opened after it, until use_real_files().
void use_failing_files();
/// The act `at` from now on (1: the next one) fails with this result of SQLITE_..., and with `for_good` all after it.
void fail_act(std::uint32_t at, int result, bool for_good);
/// Nothing fails any more. True: something had.
bool fail_no_more();
void use_real_files();

}  // namespace berth::daemon::test
