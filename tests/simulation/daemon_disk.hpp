// A disk for the daemon's simulation: SQLite's files (as its file system) and those that platform/files.hpp names.
//
// A write is there for everybody at once, and on the disk once the file was synced; a name once its directory was, or,
// of a file that SQLite made, the file. A death of the daemon loses nothing of it. A loss of power keeps of what was
// not synced any part: each write, whole or up to a sector, or not at all; of the changes of names those up to any one.
#pragma once

#include "simulation/daemon_machine.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace berth::simulation {

struct disk_file {
    std::string now, synced;
    struct change {
        std::size_t at;
        std::string bytes;
        bool cuts;  // truncates to `at`
    };
    std::vector<change> unsynced;
    bool name_goes_with_sync = false;

    void write(std::size_t at, std::string bytes);
    void cut(std::size_t size);
    void sync();
};

class disk {
public:
    using file_ref = std::shared_ptr<disk_file>;
    using directory = std::map<std::string, file_ref>;

    explicit disk(machine& m);
    ~disk();
    static disk* here() noexcept;

    [[nodiscard]] file_ref find(const std::string& path) const;
    file_ref make(const std::string& path);
    int rename(const std::string& from, const std::string& to);
    void remove(const std::string& path);
    void sync_names();
    /// A file of SQLite's: with the first sync the name is there as well.
    void sync(const file_ref& file);

    /// What is left after a loss of power.
    void lose_power();

    [[nodiscard]] const directory& names() const { return now_; }
    /// Somebody's hands, while no daemon runs: at once, and durable.
    void put(const std::string& path, std::string bytes);

    machine& on;

private:
    void change_names(directory next);
    directory now_, synced_;
    std::vector<directory> unsynced_;  // what the names were after each change
};

}  // namespace berth::simulation
