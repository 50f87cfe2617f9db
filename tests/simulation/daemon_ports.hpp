// The daemon's port_provider in the simulation: sockets are the machine's, and stay bound while anybody has them.
//
// A sibling of the one in tests/support/simulated_provider.hpp, whose sockets are one process's: here they go from
// process to process, which is what a daemon is about. The same sentences of port_provider.hpp, and the same watch
// over the caller: who breaks a precondition finds a complaint.
#pragma once

#include "simulation/daemon_machine.hpp"

#include "platform/port_provider.hpp"

namespace berth::simulation {

class machine_ports final : public platform::port_provider {
public:
    explicit machine_ports(machine& m) : machine_(m) {}

    /// Of a thousand ports that come back, how many have become unfit.
    std::uint32_t unfit = 0;
    /// The kernel has no IPv6.
    bool is_without_ipv6 = false;

    capabilities facts(parking) override { return {}; }
    std::unique_ptr<platform::held_block> prepare(const platform::hold_request& request, failure& f) override;
    std::unique_ptr<platform::port_survey> begin_survey(platform::port_kind) override { return nullptr; }
    std::uint64_t network_namespace(error_code& ec) noexcept override {
        ec = {};
        return 0x100000001;
    }
    bool lacks_ipv6() noexcept override { return is_without_ipv6; }
    error_code inspect(platform::native_socket, platform::socket_facts&) noexcept override {
        return errc::operation_not_supported;
    }
    error_code recognise(platform::native_socket, platform::socket_facts&) noexcept override {
        return errc::operation_not_supported;
    }
    std::uint64_t inode_of(platform::native_socket) noexcept override { return 0; }
    bool is_named(std::uint64_t, platform::native_socket&, platform::native_socket) noexcept override { return true; }
    void find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) override {
        named.assign(inodes.size(), true);
    }
    error_code close(platform::native_socket socket) noexcept override {
        return machine_.close(static_cast<int>(socket)) ? error_code() : error_code(errc::not_a_socket);
    }

private:
    machine& machine_;
};

}  // namespace berth::simulation
