// One block's sockets of one kind on Linux: per port a holder and a session socket (TCP outbound: or several), bound
// once.
//
// Invariant after seal(): every port has a dual-stack holder without reuse flags, and (unless condemned) a session
// socket on the same port; nobody else can bind it in any state of the session socket. The verbs are spread over
// files by what they do: linux_hold.cpp (bind), linux_park.cpp (silence and empty), linux_hand_over.cpp (a caller's
// socket), linux_renew.cpp (replace). Holders are ordinary close-on-exec descriptors outside every ring's file table:
// after SIGKILL the ports are free at once.
#pragma once

#include "platform/linux/carry_options.hpp"
#include "platform/linux/option_audit.hpp"
#include "platform/linux/park_filter.hpp"
#include "platform/linux/socket_dump.hpp"
#include "platform/linux/system_calls.hpp"
#include "platform/port_provider.hpp"

#include <atomic>

namespace berth::platform {

/// How this block goes about its kernel work: facts settled once, in prepare().
struct linux_methods {
    hold_method hold = hold_method::reuse_toggle;
    park_method park = park_method::none;
    bool has_ipv6 = true;
    bool is_share = false;        // the holders are another process's, and session sockets come and go
    bool splits_holders = false;  // two sockets, one a family, instead of a dual-stack one: see linux_hold_tcp.cpp
};

class linux_block final : public held_block {
public:
    linux_block(system_calls& os, const hold_request& request, const linux_methods& methods,
                std::unique_ptr<park_filter> filter);
    ~linux_block() override;
    linux_block(const linux_block&) = delete;
    linux_block& operator=(const linux_block&) = delete;

    void hold(std::uint32_t most, failure& f) override;
    std::uint32_t held() const noexcept override { return static_cast<std::uint32_t>(ports_.size()); }
    bool seal_some(std::uint32_t most, failure& f) override;

    error_code open(std::uint32_t index, std::uint32_t& discarded) noexcept override;
    park_result park(std::uint32_t index, bool lent) noexcept override;
    void lose(std::uint32_t index) noexcept override { ports_[index].session = -1; }
    native_socket session(std::uint32_t index) const noexcept override { return ports_[index].session; }
    held_sockets sockets(std::uint32_t index) const noexcept override {
        return {holder_of(index), ports_[index].session, other_holders_.empty() ? -1 : other_holders_[index]};
    }
    parking_descriptors parking() const noexcept override {
        return filter_ ? parking_descriptors{filter_->array(), filter_->program()} : parking_descriptors{};
    }
    bool has_session(std::uint32_t index) noexcept override { return still_ours(index); }
    void pass_on() noexcept override {
        if (filter_) filter_->owns_cells(false);
    }
    void come_over() noexcept override {
        if (filter_) filter_->owns_cells(true);
    }
    std::uint64_t cookie(std::uint32_t index) const noexcept override { return ports_[index].cookie; }
    native_socket duplicate(std::uint32_t index, error_code& ec) noexcept override;
    void hand_over(std::uint32_t index, native_socket target, failure& f) override;
    void find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t> lent,
                    std::vector<named_by>& names) override;
    renewal renew(std::uint32_t index) noexcept override;
    error_code receive(std::uint32_t index, native_socket session) noexcept override;
    std::uint32_t heard(std::uint32_t index) noexcept override;
    void drop(std::uint32_t index) noexcept override;
    void abandon() noexcept override;
    std::uint32_t bytes_per_port() const noexcept override;

private:
    struct port_sockets {  // of an index
        int holder = -1;   // of a port's first
        int session = -1;
        std::uint64_t cookie = 0;  // of the session socket
    };

    // linux_hold.cpp
    enum class part : std::uint8_t { session, holder, other_holder };
    [[nodiscard]] int family_of(part p) const noexcept;
    int make_socket(part p) noexcept;
    int make_session(std::uint32_t index, port_sockets& port) noexcept;
    int bind_session(int fd, std::uint16_t port) noexcept;
    int bind_holder(int fd, std::uint16_t port, part p) noexcept;
    int hold_udp_by_tags(std::uint32_t index, port_sockets& port) noexcept;
    void close_all(std::uint32_t index, port_sockets& port) noexcept;
    [[nodiscard]] int birth_tag() const noexcept;
    int untag_session(int fd) noexcept;
    int hold_one(std::uint32_t index, port_sockets& port) noexcept;
    int hold_next() noexcept;

    // linux_adopt.cpp
    [[nodiscard]] bool is_inherited(std::uint32_t index) const noexcept;
    int adopt_one(std::uint32_t index, port_sockets& port) noexcept;
    int take_over_one(std::uint32_t index, port_sockets& port) noexcept;
    int note_baselines_apart() noexcept;
    int adopt_holder(int inherited, std::uint16_t port, part p) noexcept;
    int adopt_session(std::uint32_t index, port_sockets& port) noexcept;
    int rebind_adopted(std::uint32_t index, port_sockets& port) noexcept;
    int check_inherited(int fd, std::uint16_t port, int family) noexcept;
    [[nodiscard]] bool is_silent(int fd) noexcept;
    [[nodiscard]] bool is_out(std::uint32_t index) const noexcept {
        return index < request_.inherited.size() && request_.inherited[index].is_out;
    }

    // linux_hold_tcp.cpp
    int hold_tcp_by_repair(std::uint32_t index, port_sockets& port) noexcept;
    int hold_tcp_by_toggle(std::uint32_t index, port_sockets& port) noexcept;
    int hold_several() noexcept;
    int hold_several_by_toggle(std::uint32_t first) noexcept;
    int listen_and_stop(int fd) noexcept;
    int bind_over_remains(int fd, std::uint16_t port, part p) noexcept;
    int bind_under_repair(int fd, std::uint16_t port, part p) noexcept;
    int wipe_reuse_memory(std::uint16_t port) noexcept;

    // linux_check.cpp
    int is_holder_of(std::uint32_t index, const port_sockets& port, std::uint64_t cookie, bool& ours) noexcept;
    int old_session_lives(std::uint32_t index, const port_sockets& port, bool& lives) noexcept;
    int dump(std::uint16_t first, std::uint32_t count, std::vector<socket_row>& rows) noexcept;
    [[nodiscard]] int looks_needed() const noexcept;
    int note_baselines() noexcept;
    int note_baselines(std::uint32_t index) noexcept;
    int note_baselines_elsewhere() noexcept;
    [[nodiscard]] std::uint32_t first_index_of(const socket_row& row) const noexcept {
        return (std::uint32_t{row.port} - request_.block.first) * sessions();
    }
    [[nodiscard]] bool may_have_clients(std::uint32_t index) const noexcept;
    int forget_hung_up(std::vector<socket_row>& foreign) noexcept;
    int find_foreign(const std::vector<socket_row>& rows, std::vector<socket_row>& foreign);
    std::string who_has(std::uint16_t port) noexcept;

    // linux_renew.cpp
    int rebind_session(std::uint32_t index, port_sockets& fresh) noexcept;
    int listen_over_holder(const port_sockets& fresh) noexcept;

    // linux_park.cpp
    int silence(std::uint32_t index, const port_sockets& port) noexcept;
    int unsilence(std::uint32_t index) noexcept;
    int drain(int fd, std::uint32_t& discarded) noexcept;
    int drain_datagrams(int fd, std::uint32_t& discarded) noexcept;
    int drain_both_queues(int fd, std::uint32_t& discarded) noexcept;
    int drain_error_queue(int fd, std::uint32_t& discarded) noexcept;
    int drain_accept_queue(int fd, std::uint32_t& discarded) noexcept;
    int reset_connection(int fd) noexcept;
    bool still_ours(std::uint32_t index) noexcept;

    [[nodiscard]] bool is_udp() const noexcept { return request_.kind == port_kind::udp; }
    [[nodiscard]] bool is_listener() const noexcept { return request_.kind == port_kind::tcp_listen; }
    [[nodiscard]] std::uint16_t port_at(std::uint32_t index) const noexcept {
        return static_cast<std::uint16_t>(request_.block.first + index / sessions());
    }
    [[nodiscard]] std::uint32_t sessions() const noexcept { return request_.sessions_per_port; }
    [[nodiscard]] std::uint32_t indices() const noexcept { return request_.block.count * sessions(); }
    [[nodiscard]] int holder_of(std::uint32_t index) const noexcept { return ports_[index - index % sessions()].holder; }
    [[nodiscard]] int session_family() const noexcept;

    system_calls& os_;
    const hold_request request_;
    const linux_methods methods_;
    std::unique_ptr<park_filter> filter_;      // only with park_method::filter_map
    std::unique_ptr<option_audit> audit_;      // what a fresh session socket is like, noted at seal
    std::unique_ptr<option_carrier> carrier_;  // what a caller's fresh socket is like
    std::vector<port_sockets> ports_;
    // With several session sockets a port, and apart from ports_, which take looks at: of each port, of each index.
    std::unique_ptr<std::atomic<std::uint32_t>[]> not_dropped_;
    std::unique_ptr<bool[]> is_dropped_;
    std::vector<int> other_holders_;             // where a holder is split by family: the other family's half
    std::vector<std::uint32_t> fell_to_holder_;  // parked by tag: datagrams counted at the holder so far
    struct {
        int looks = 0;  // that are over
        bool ipv6 = false;
        std::uint32_t from = 0;  // index
    } sealing_;
};

}  // namespace berth::platform
