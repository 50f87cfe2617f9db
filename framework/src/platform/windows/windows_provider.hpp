// Windows as a port_provider: which way of holding this system allows, and blocks made accordingly.
//
// Found once per protocol: the system's own reservations, if it is new enough and grants one; else exclusive binds.
// Why it is the one and not the other stands in capabilities. windows_inspect.cpp: callers' sockets.
#pragma once

#include "platform/port_provider.hpp"
#include "platform/windows/acquire_watch.hpp"
#include "platform/windows/completion_exit.hpp"
#include "platform/windows/socket_identities.hpp"
#include "platform/windows/windows_calls.hpp"

#include <string>

namespace berth::platform {

class windows_provider final : public port_provider {
public:
    explicit windows_provider(windows_calls& os) : os_(os), identities_(os), watch_(os) {}

    capabilities facts(parking preference) override;
    std::unique_ptr<held_block> prepare(const hold_request& request, failure& f) override;
    std::unique_ptr<port_survey> begin_survey(port_kind kind) override;
    std::uint64_t network_namespace(error_code& ec) noexcept override {
        ec = {};
        return os_.network_compartment();
    }
    error_code inspect(native_socket socket, socket_facts& out) noexcept override;
    error_code recognise(native_socket socket, socket_facts& out) noexcept override;
    error_code associate_drawn(native_socket socket, std::uint64_t token) noexcept override;
    void bind_drawn(native_socket socket, const asio::ip::address& address, std::uint16_t port, failure& f) override;
    std::uint64_t inode_of(native_socket socket) noexcept override;
    bool is_named(std::uint64_t inode, native_socket& hint, native_socket not_counted) noexcept override;
    void find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) override;
    error_code close(native_socket socket) noexcept override;

private:
    /// Whether the system grants reservations, and if not, why not. Not settled: it may at another time.
    struct grant {
        bool is_given = false;
        bool is_settled = true;
        int error = 0;
        std::string why_not{};
    };
    grant ask_for_one(bool tcp);
    grant reservations(bool tcp);
    const completion_exit& leaving() noexcept;
    failure check_address(const hold_request& request);

    windows_calls& os_;
    socket_identities identities_;
    acquire_watch watch_;
    std::mutex asking_;
    std::unique_ptr<grant> grants_[2];
    std::unique_ptr<completion_exit> leaving_;
};

}  // namespace berth::platform
