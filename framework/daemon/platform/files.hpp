// What the daemon asks of the file system: names, modes from the start, and durability.
//
// Each call says 0, or the errno of what failed, where it says nothing else. All that the store's files go through
// besides SQLite is here, so that a test puts a file system of its own in its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace berth::daemon {

/// A new empty file that its owner alone may read and write. EEXIST if there is one.
int create_private_file(const std::string& path) noexcept;

/// A directory that its owner alone may enter, unless it is there already; its parents must be.
int make_private_directory(const std::string& path) noexcept;

/// Post: the file's bytes, or the directory's entries, survive a loss of power.
int make_durable(const std::string& path) noexcept;

void close_descriptor(int fd) noexcept;

enum class file_kind : std::uint8_t { none, regular, other };

struct file_facts {
    file_kind kind = file_kind::none;
    std::uint64_t size = 0;  // bytes, of a regular file
    int error = 0;           // it cannot be looked at: `other`
};
file_facts facts_of(const std::string& path);

/// In place of what has the name `to`.
int rename_file(const std::string& from, const std::string& to) noexcept;
/// What is not there is not missed.
void remove_file(const std::string& path) noexcept;
/// None of a directory that cannot be read.
std::vector<std::string> names_in(const std::string& directory);
/// The path without links but in its last name.
std::string canonical_place(const std::string& path);

/// True if others than the owner may read or write it.
bool is_open_to_others(const std::string& path) noexcept;

}  // namespace berth::daemon
