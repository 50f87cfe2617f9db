// What the daemon is to the system: the only one of its kind here, started and stopped by somebody, in some boot.
//
// Locks and signals last as long as their objects.
#pragma once

#include "platform/linux/local_socket.hpp"
#include "stored_blocks.hpp"

#include <optional>
#include <string>

namespace berth::daemon {

/// A file that one process at a time has locked; the kernel lets go of it however the process ends.
class process_lock {
public:
    /// 0: taken. EAGAIN: the process `holder` has it (0: unknown). Else the errno of what failed.
    int take(const std::string& path, int& holder);

private:
    platform::descriptor file_;
};

/// SIGTERM, SIGINT and SIGHUP become something to read.
class stop_signals {
public:
    stop_signals();
    [[nodiscard]] int handle() const noexcept { return signals_.get(); }

private:
    platform::descriptor signals_;
};

/// The system's own name of its start; nothing if it has none.
std::optional<boot_id> current_boot();

/// One word to the service manager, if one waits for it (NOTIFY_SOCKET).
void notify_service_manager(const std::string& state) noexcept;

/// A group by name or number.
std::optional<unsigned> find_group(const std::string& name);

/// As many descriptors as this process may have: 0 if that is unknown.
std::uint64_t raise_descriptor_limit() noexcept;

/// The directory that this program is in.
std::string own_directory();

int own_process() noexcept;

bool may_execute(const std::string& program) noexcept;

/// The process that answers at a Unix socket; 0: none.
int who_answers_at(const std::string& socket_path);

}  // namespace berth::daemon
