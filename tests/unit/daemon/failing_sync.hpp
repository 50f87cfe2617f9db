// What a file is made durable and moved by, as the linker's --wrap names it: the n-th call fails.
//
// Of the test's own objects alone, the daemon's parts among them: SQLite's calls are its library's.
#pragma once

#include <cstdint>

namespace berth::daemon::test {

/// fsync's call `at` from now on (1: the next) says `error`, and with `for_good` all after it.
void fail_sync(std::uint32_t at, int error, bool for_good);
/// How many failed since then; none does any more.
std::uint32_t sync_no_more();

/// The next rename says so.
void fail_rename(int error);

}  // namespace berth::daemon::test
