// Which sockets are still named by somebody else in this process: a descriptor, or an event queue's registration.
//
// One pass over /proc/self/fd. An epoll set keeps a socket's file alive and delivers its events after the descriptor
// was closed, as long as another dup lives: so the registrations in /proc/self/fdinfo count as names, and so do the
// fixed files of io_uring rings. False is an answer about the instant each descriptor was looked at: a thread that
// dups downwards and closes upwards during the pass can hide. Descriptors in forked children, in another file table
// (CLONE_FILES undone) and in flight in SCM_RIGHTS are not seen.
#pragma once

#include "platform/linux/system_calls.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace berth::platform {

/// named[i]: a descriptor not in `own` (sorted ascending), an epoll registration or a ring's file table names the
/// socket with inode inodes[i]. Registrations count whichever descriptor made them. 0 or -errno (then all true).
int scan_descriptors(system_calls& calls, std::span<const int> own, std::span<const std::uint64_t> inodes,
                     std::vector<bool>& named);

}  // namespace berth::platform
