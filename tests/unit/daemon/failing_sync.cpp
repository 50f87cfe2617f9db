// See failing_sync.hpp.
#include "failing_sync.hpp"

#include <cerrno>
#include <utility>

namespace berth::daemon::test {
namespace {

struct syncs {
    std::uint32_t left = 0;
    int error = 0;
    bool for_good = false;
    std::uint32_t failed = 0;
};
syncs next_syncs;
int rename_error = 0;

int sync_error() {
    auto& s = next_syncs;
    if (s.left == 0 || (s.left > 1 && --s.left > 0)) return 0;
    if (!s.for_good) s.left = 0;
    ++s.failed;
    return s.error;
}

}  // namespace

void fail_sync(std::uint32_t at, int error, bool for_good) { next_syncs = {at, error, for_good, 0}; }
std::uint32_t sync_no_more() { return std::exchange(next_syncs, {}).failed; }
void fail_rename(int error) { rename_error = error; }

}  // namespace berth::daemon::test

extern "C" {

int __real_fsync(int fd);
int __real_rename(const char* from, const char* to);

int __wrap_fsync(int fd) {
    if (const int error = berth::daemon::test::sync_error(); error != 0) return errno = error, -1;
    return __real_fsync(fd);
}
int __wrap_rename(const char* from, const char* to) {
    if (const int error = std::exchange(berth::daemon::test::rename_error, 0); error != 0) return errno = error, -1;
    return __real_rename(from, to);
}

}  // extern "C"
