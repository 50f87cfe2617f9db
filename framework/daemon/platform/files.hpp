// What the daemon asks of the file system and std::filesystem does not know: modes from the start, and durability.
//
// Each call says 0, or the errno of what failed.
#pragma once

#include <string>

namespace berth::daemon {

/// A new empty file that its owner alone may read and write. EEXIST if there is one.
int create_private_file(const std::string& path) noexcept;

/// A directory that its owner alone may enter, unless it is there already; its parents must be.
int make_private_directory(const std::string& path) noexcept;

/// Post: the file's bytes, or the directory's entries, survive a loss of power.
int make_durable(const std::string& path) noexcept;

void close_descriptor(int fd) noexcept;

/// True if others than the owner may read or write it.
bool is_open_to_others(const std::string& path) noexcept;

}  // namespace berth::daemon
