// A port_provider that can do nothing, honestly; see refusing_provider.cpp.
#pragma once

#include "platform/port_provider.hpp"

namespace berth::platform {

class refusing_provider final : public port_provider {
public:
    capabilities facts(parking preference) override;
    std::unique_ptr<held_block> prepare(const hold_request& request, failure& f) override;
    std::unique_ptr<port_survey> begin_survey(port_kind kind) override;
    std::uint64_t network_namespace(error_code& ec) noexcept override;
    error_code inspect(native_socket socket, socket_facts& out) noexcept override;
    error_code recognise(native_socket socket, socket_facts& out) noexcept override;
    std::uint64_t inode_of(native_socket socket) noexcept override;
    bool is_named(std::uint64_t inode, native_socket& hint, native_socket not_counted) noexcept override;
    void find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) override;
    error_code close(native_socket socket) noexcept override;
};

}  // namespace berth::platform
