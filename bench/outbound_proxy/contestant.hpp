// A proxy in a process of its own, and how to get through it.
#pragma once

#include "outbound_proxy/entrance.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace berth::bench {

class contestant {
public:
    /// Starts it. Throws std::runtime_error with what it said if it does not come up within ten seconds.
    contestant(std::string name, std::vector<std::string> command, entrance at);
    contestant(const contestant&) = delete;
    contestant& operator=(const contestant&) = delete;
    ~contestant();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const entrance& at() const noexcept { return at_; }
    /// Nanoseconds of processor time that its threads have had.
    [[nodiscard]] std::int64_t processor_time() const;
    /// SIGTERM, and its exit status within ten seconds; -1: it was killed.
    int stop();

private:
    std::string name_, said_;
    entrance at_;
    pid_t child_ = -1;
};

/// Ports on 127.0.0.1 that nobody has at the moment, one after the other, below those that the system gives by
/// itself.
std::uint16_t quiet_ports(std::uint32_t count);

}  // namespace berth::bench
