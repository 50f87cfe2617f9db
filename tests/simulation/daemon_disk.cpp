// The disk, and the daemon's view of files over it.
#include "simulation/daemon_disk.hpp"

#include "platform/files.hpp"

#include <algorithm>
#include <utility>
#include <cerrno>
#include <filesystem>

namespace berth::simulation {
namespace {

constexpr std::size_t sector = 512;

disk* only_disk = nullptr;

void apply(std::string& bytes, const disk_file::change& c, std::size_t most) {
    if (c.cuts) return bytes.resize(c.at);
    const auto size = std::min(most, c.bytes.size());
    if (bytes.size() < c.at + size) bytes.resize(c.at + size);
    bytes.replace(c.at, size, c.bytes, 0, size);
}

}  // namespace

void disk_file::write(std::size_t at, std::string bytes) {
    unsynced.push_back({at, std::move(bytes), false});
    apply(now, unsynced.back(), ~std::size_t{0});
}

void disk_file::cut(std::size_t size) {
    unsynced.push_back({size, {}, true});
    apply(now, unsynced.back(), 0);
}

void disk_file::sync() {
    for (const auto& c : unsynced) apply(synced, c, ~std::size_t{0});
    unsynced.clear();
}

disk::disk(machine& m) : on(m) { only_disk = this; }
disk::~disk() { only_disk = nullptr; }
disk* disk::here() noexcept { return only_disk; }

disk::file_ref disk::find(const std::string& path) const {
    const auto found = now_.find(path);
    return found == now_.end() ? nullptr : found->second;
}

void disk::change_names(directory next) {
    now_ = std::move(next);
    unsynced_.push_back(now_);
}

disk::file_ref disk::make(const std::string& path) {
    auto next = now_;
    next[path] = std::make_shared<disk_file>();
    change_names(next);
    return now_[path];
}

int disk::rename(const std::string& from, const std::string& to) {
    auto next = now_;
    const auto found = next.find(from);
    if (found == next.end()) return ENOENT;
    next[to] = found->second;
    next.erase(from);
    change_names(std::move(next));
    return 0;
}

void disk::remove(const std::string& path) {
    if (!now_.contains(path)) return;
    auto next = now_;
    next.erase(path);
    change_names(std::move(next));
}

void disk::sync_names() {
    synced_ = now_;
    unsynced_.clear();
}

void disk::sync(const file_ref& file) {
    file->sync();
    if (std::exchange(file->name_goes_with_sync, false)) sync_names();
}

void disk::lose_power() {
    const auto left = on.random() % (unsynced_.size() + 1);
    if (left != 0) synced_ = unsynced_[left - 1];
    unsynced_.clear();
    now_ = synced_;
    std::vector<disk_file*> done;
    for (const auto& [path, file] : now_) {
        if (std::find(done.begin(), done.end(), file.get()) != done.end()) continue;
        done.push_back(file.get());
        for (const auto& c : file->unsynced) {
            const auto sectors = c.bytes.size() / sector + 1;
            switch (on.random() % 3) {
                case 0:
                    apply(file->synced, c, ~std::size_t{0});
                    break;
                case 1:
                    if (!c.cuts) apply(file->synced, c, on.random() % sectors * sector);
                    break;
                default:
                    break;
            }
        }
        file->unsynced.clear();
        file->now = file->synced;
        file->name_goes_with_sync = false;
    }
}

void disk::put(const std::string& path, std::string bytes) {
    const auto file = make(path);
    file->now = file->synced = std::move(bytes);
    sync_names();
}

}  // namespace berth::simulation

// The sibling of framework/daemon/platform/files.cpp over the disk that exists.
namespace berth::daemon {

using simulation::daemon_call;
using simulation::disk;

int create_private_file(const std::string& path) noexcept {
    const daemon_call call(disk::here()->on);
    if (!call.goes()) return ENOSPC;
    if (disk::here()->find(path)) return EEXIST;
    disk::here()->make(path);
    return 0;
}

int make_private_directory(const std::string&) noexcept { return 0; }

int make_durable(const std::string& path) noexcept {
    const daemon_call call(disk::here()->on);
    if (!call.goes()) return EIO;
    if (const auto file = disk::here()->find(path)) {
        file->sync();
    } else {
        disk::here()->sync_names();
    }
    return 0;
}

void close_descriptor(int fd) noexcept { disk::here()->on.close(fd); }

file_facts facts_of(const std::string& path) {
    const daemon_call call(disk::here()->on);
    if (!call.goes()) return {file_kind::other, 0, EIO};
    const auto file = disk::here()->find(path);
    return file ? file_facts{file_kind::regular, file->now.size(), 0} : file_facts{};
}

int rename_file(const std::string& from, const std::string& to) noexcept {
    const daemon_call call(disk::here()->on);
    return call.goes() ? disk::here()->rename(from, to) : EIO;
}

void remove_file(const std::string& path) noexcept {
    const daemon_call call(disk::here()->on);
    if (call.goes()) disk::here()->remove(path);
}

std::vector<std::string> names_in(const std::string& directory) {
    const daemon_call call(disk::here()->on);
    std::vector<std::string> names;
    if (!call.goes()) return names;
    for (const auto& [path, file] : disk::here()->names()) {
        if (path.starts_with(directory + "/")) names.push_back(path.substr(directory.size() + 1));
    }
    return names;
}

std::string canonical_place(const std::string& path) { return path; }

bool is_open_to_others(const std::string&) noexcept { return false; }

}  // namespace berth::daemon
