// One block's sockets of one kind on Windows, held in one of two ways.
//
// Native: the system's own reservation keeps every port ours, in any state of the session socket and without it;
// session sockets are drawn from it. Fallback: each port's session socket is bound exclusively, a duplicate of it
// (the holder) keeps the port when the session's descriptor is closed behind our back, and an exclusive socket of the
// other family keeps that away; replacing a session socket then leaves the port free for as long as close and bind
// take. The verbs are spread over files by what they do: windows_hold.cpp, windows_park.cpp, windows_renew.cpp,
// windows_hand_over.cpp. Nothing silences a Windows socket and lets it be heard again: what came for a parked port is
// thrown away at take. What cannot be told about a socket that was lent, or cleaned, makes it be replaced.
#pragma once

#include "platform/port_provider.hpp"
#include "platform/windows/completion_exit.hpp"
#include "platform/windows/listener_audit.hpp"
#include "platform/windows/runtime_reservation.hpp"
#include "platform/windows/socket_identities.hpp"

#include <atomic>
#include <mutex>
#include <utility>

namespace berth::platform {

/// How a block goes about its work: settled once, in prepare().
struct windows_methods {
    bool is_native = false;
    bool keeps_other_family = false;  // fallback, one family: an exclusive socket of the other on each port
    completion_exit leaving{};
    acquire_watch* watch = nullptr;  // for requests with a waker
};

class windows_block final : public held_block {
public:
    windows_block(windows_calls& os, socket_identities& identities, const hold_request& request,
                  const windows_methods& methods);
    ~windows_block() override;
    windows_block(const windows_block&) = delete;
    windows_block& operator=(const windows_block&) = delete;

    void hold(std::uint32_t most, failure& f) override;
    std::uint32_t held() const noexcept override { return held_; }
    bool is_waiting() noexcept override { return reservation_.is_waiting(); }
    void stop_waiting() noexcept override { reservation_.stop_waiting(); }
    bool seal_some(std::uint32_t most, failure& f) override;

    error_code open(std::uint32_t index, std::uint32_t& discarded) noexcept override;
    park_result park(std::uint32_t index, bool lent) noexcept override;
    void lose(std::uint32_t index) noexcept override;
    native_socket session(std::uint32_t index) const noexcept override { return slots_[index].session; }
    held_sockets sockets(std::uint32_t index) const noexcept override {
        return {slots_[index].holder, slots_[index].session, slots_[index].other_family};
    }
    bool has_session(std::uint32_t index) noexcept override { return still_ours(index); }
    std::uint64_t cookie(std::uint32_t index) const noexcept override { return slots_[index].cookie; }
    native_socket duplicate(std::uint32_t index, error_code& ec) noexcept override;
    void hand_over(std::uint32_t index, native_socket target, failure& f) override;
    void find_named(std::span<const std::uint32_t> indices, std::span<const std::uint32_t> lent,
                    std::vector<named_by>& names) override;
    renewal renew(std::uint32_t index) noexcept override;
    std::uint32_t heard(std::uint32_t index) noexcept override;
    void drop(std::uint32_t index) noexcept override;
    void let_go() noexcept override;
    void abandon() noexcept override;
    std::uint32_t bytes_per_port() const noexcept override;

    // For socket_identities, from any thread:
    /// 0: `s`, which is bound to `port`, is not one of ours.
    std::uint64_t cookie_of(native_socket s, std::uint16_t port) noexcept;
    /// False: the cookie is not one of ours.
    bool count_others(std::uint64_t cookie, native_socket not_counted, std::uint32_t& others) noexcept;
    void mark_used(bool tcp, std::vector<bool>& used) const noexcept;

private:
    struct port_slot {
        std::atomic<native_socket> session{-1};
        std::atomic<std::uint64_t> cookie{0};   // of the session socket
        std::atomic<native_socket> holder{-1};  // fallback: its duplicate
        native_socket other_family = -1;
        native_socket spare = -1;  // native: drawn for this port while another was looked for; under drawing_
        std::uint32_t heard = 0;
    };

    // windows_hold.cpp
    [[nodiscard]] int family() const noexcept { return request_.family == address_family::ipv4 ? AF_INET : AF_INET6; }
    native_socket make_socket(int family, bool session) noexcept;
    int bind_socket(native_socket s, int family, const asio::ip::address& address, std::uint16_t port) noexcept;
    int place(std::uint32_t index, native_socket session) noexcept;
    bool acquire(failure& f);
    void say_what_is_in_the_way(int error, failure& f);
    int draw_any(std::uint32_t& index, bool& none_left) noexcept;
    int draw(std::uint32_t index, native_socket& out, bool& none_left) noexcept;
    int bind_exclusively(std::uint32_t index) noexcept;
    int hold_one(std::uint32_t& index) noexcept;
    std::string who_has(std::uint16_t port) noexcept;

    // windows_park.cpp
    int drain(native_socket s, std::uint32_t& discarded) noexcept;
    int drain_datagrams(native_socket s, std::uint32_t& discarded) noexcept;
    int drain_accept_queue(native_socket s, std::uint32_t& discarded) noexcept;
    [[nodiscard]] bool is_untouched(std::uint32_t index) noexcept;
    [[nodiscard]] bool is_as_new(std::uint32_t index, bool lent) noexcept;

    // windows_renew.cpp
    [[nodiscard]] bool still_ours(std::uint32_t index) noexcept;
    [[nodiscard]] std::uint32_t others_of(std::uint32_t index) noexcept;
    void end(native_socket s) noexcept;
    void end_session(std::uint32_t index) noexcept;
    int fill_spares() noexcept;

    [[nodiscard]] bool is_udp() const noexcept { return request_.kind == port_kind::udp; }
    [[nodiscard]] bool is_listener() const noexcept { return request_.kind == port_kind::tcp_listen; }
    [[nodiscard]] const char* protocol() const noexcept { return is_udp() ? "UDP" : "TCP"; }
    [[nodiscard]] std::uint16_t port_at(std::uint32_t index) const noexcept {
        return static_cast<std::uint16_t>(request_.block.first + index);
    }

    windows_calls& os_;
    socket_identities& identities_;
    const hold_request request_;
    const windows_methods methods_;
    runtime_reservation reservation_;
    listener_audit audit_;
    std::unique_ptr<port_slot[]> slots_;
    std::uint32_t held_ = 0;
    std::atomic<std::uint32_t> dropped_{0};
    std::mutex drawing_;  // native: of two that look for their port, one might draw the other's
};

}  // namespace berth::platform
