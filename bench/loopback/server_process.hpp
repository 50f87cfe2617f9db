// One server of a contestant: started on a core of its own, known by its port, ended with this object.
#pragma once

#include "loopback/registry.hpp"
#include "process/pinned_process.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace berth::bench {

class server_process {
public:
    /// Returns when a client may come. Throws std::runtime_error with the server's own words if it cannot serve.
    server_process(const contestant_entry& entry, const scenario& s, int core);
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    [[nodiscard]] core_time time_on_core() const { return process_->time_on_core(); }
    void settle() const { process_->settle(); }
    [[nodiscard]] std::uint64_t anonymous_bytes() const { return process_->anonymous_bytes(); }

private:
    [[nodiscard]] std::uint16_t wait_for_port(int ready) const;

    std::optional<pinned_process> process_;
    std::uint16_t port_ = 0;
};

/// The file that holds this contestant; whether it was built is another matter.
[[nodiscard]] std::string executable_of(const contestant_entry& entry);

}  // namespace berth::bench
