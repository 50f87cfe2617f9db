// Linux as a port_provider, over any sibling of the seam of system calls.
//
// Stateless but for the seam; thread-safe. What a kernel allows is asked anew for each block, because privileges,
// sysctls and namespaces change while a program runs.
#pragma once

#include "platform/linux/system_calls.hpp"
#include "platform/port_provider.hpp"

namespace berth::platform {

class linux_provider final : public port_provider {
public:
    explicit linux_provider(system_calls& os) noexcept;

    capabilities facts(parking preference) override;
    std::unique_ptr<held_block> prepare(const hold_request& request, failure& f) override;
    std::unique_ptr<held_block> prepare_share(const hold_request& request, failure& f) override;
    std::unique_ptr<port_survey> begin_survey(port_kind kind) override;
    std::uint64_t network_namespace(error_code& ec) noexcept override;
    bool lacks_ipv6() noexcept override;
    error_code inspect(native_socket socket, socket_facts& out) noexcept override;
    error_code recognise(native_socket socket, socket_facts& out) noexcept override;
    std::uint64_t inode_of(native_socket socket) noexcept override;
    bool is_named(std::uint64_t inode, native_socket& hint, native_socket not_counted) noexcept override;
    void find_named(std::span<const std::uint64_t> inodes, std::vector<bool>& named) override;
    error_code close(native_socket socket) noexcept override;

private:
    void describe_limits(capabilities& c);
    std::unique_ptr<held_block> prepare_coming(const hold_request& request, failure& f);

    system_calls& os_;
};

}  // namespace berth::platform
