// net.ipv4.ip_local_reserved_ports of the network namespace that this process is in; for TCP and UDP, IPv4 and IPv6.
#pragma once

#include "reserved_ports.hpp"

namespace berth::daemon {

class reserved_ports_sysctl final : public reserved_ports {
public:
    explicit reserved_ports_sysctl(std::string path = "/proc/sys/net/ipv4/ip_local_reserved_ports")
        : path_(std::move(path)) {}
    std::optional<port_set> read(failure& f) override;
    void write(const port_set& ports, failure& f) override;

private:
    std::string path_;
};

}  // namespace berth::daemon
