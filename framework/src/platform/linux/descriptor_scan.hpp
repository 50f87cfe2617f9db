// Which sockets are still named by somebody else in this process: a descriptor, or an event queue's registration.
//
// One pass over /proc/self/fd. An epoll set keeps a socket's file alive and delivers its events after the descriptor
// was closed, as long as another dup lives, and nobody can remove it any more: so the registrations in
// /proc/self/fdinfo are told apart. The fixed files of io_uring rings can be used and count as descriptors. `nobody` is
// an answer about the instant each descriptor was looked at: a thread that dups downwards and closes upwards during
// the pass can hide. Descriptors in forked children, in another file table
// (CLONE_FILES undone) and in flight in SCM_RIGHTS are not seen.
#pragma once

#include "platform/linux/system_calls.hpp"
#include "platform/port_provider.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace berth::platform {

/// names[i]: what names the socket with inode inodes[i]: a descriptor not in `own` (sorted ascending) or a ring's file
/// table; else an epoll registration, whichever descriptor made it. 0 or -errno (then all `descriptor`).
int scan_descriptors(system_calls& calls, std::span<const int> own, std::span<const std::uint64_t> inodes,
                     std::vector<named_by>& names);

}  // namespace berth::platform
