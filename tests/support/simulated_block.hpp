// The simulated side of one block: see simulated_provider.hpp for what it keeps and what it watches.
#pragma once

#include "support/simulated_provider.hpp"

namespace berth::test {

class simulated_block final : public platform::held_block {
public:
    simulated_block(simulated_provider& kernel, const platform::hold_request& request);
    ~simulated_block() override;

    void hold(std::uint32_t most, failure& f) override;
    std::uint32_t held() const noexcept override { return static_cast<std::uint32_t>(ports_.size()); }
    bool is_waiting() noexcept override { return is_waiting_; }
    /// The kernel's: what was waited for is there.
    void end_wait() noexcept;
    bool seal_some(std::uint32_t most, failure& f) override;
    error_code open(std::uint32_t index, std::uint32_t& discarded) noexcept override;
    platform::park_result park(std::uint32_t index, bool lent) noexcept override;
    void lose(std::uint32_t index) noexcept override;
    native_socket session(std::uint32_t index) const noexcept override { return ports_[index]->session; }
    bool has_session(std::uint32_t index) noexcept override;
    platform::held_sockets sockets(std::uint32_t) const noexcept override { return {}; }
    std::uint64_t cookie(std::uint32_t index) const noexcept override { return ports_[index]->inode; }
    native_socket duplicate(std::uint32_t index, error_code& ec) noexcept override;
    void hand_over(std::uint32_t index, native_socket target, failure& f) override;
    void find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t> lent,
                    std::vector<platform::named_by>& names) override;
    platform::renewal renew(std::uint32_t index) noexcept override;
    std::uint32_t heard(std::uint32_t index) noexcept override;
    void drop(std::uint32_t index) noexcept override;
    void abandon() noexcept override;
    std::uint32_t bytes_per_port() const noexcept override { return sizeof(simulated_port); }

private:
    class turn;  // one verb at work on one index

    [[nodiscard]] bool tcp() const noexcept { return request_.kind != platform::port_kind::udp; }
    [[nodiscard]] std::uint16_t number(std::uint32_t index) const noexcept {
        return static_cast<std::uint16_t>(request_.block.first + index / request_.sessions_per_port);
    }
    [[nodiscard]] std::uint32_t indices() const noexcept { return request_.block.count * request_.sessions_per_port; }
    void let_go_of_port(std::uint32_t index);
    void give_fresh_session(std::uint32_t index);

    simulated_provider& kernel_;
    const platform::hold_request request_;
    std::vector<simulated_port*> ports_;
    std::vector<char> dropped_;  // not bool: each its own byte, for different threads
    bool sealed_ = false;
    bool is_waiting_ = false;
};

}  // namespace berth::test
