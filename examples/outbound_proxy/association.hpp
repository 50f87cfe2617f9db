// One UDP ASSOCIATE: datagrams between a client and the destinations that it speaks with, as RFC 1928 (7) has it.
//
// Neither a reflector nor an open relay: from the client's side only its address is heard (the one that its control
// connection proved), from the other side only destinations that it has sent to, and what comes from them goes to the
// client alone. Fragments are dropped. Lives until stop(), and is for the thread of its shard alone.
#pragma once

#include "proxy.hpp"

#include "protocol/socks.hpp"

#include <berth/resolver.hpp>
#include <berth/udp_socket.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace outbound_proxy {

class association final : public std::enable_shared_from_this<association>, private watched {
public:
    using executor_type = berth::io_context::executor_type;
    using endpoint = asio::ip::udp::endpoint;
    /// What it holds once it has sent: one for the client's side, one for the other. Whoever owns it counts them; a
    /// destination of the other family takes one more, which it counts itself.
    static constexpr std::uint32_t ports_at_first = 2;

    /// `client`: its address, and its port if that is known already (else 0: its first datagram says).
    association(std::shared_ptr<proxy> of, executor_type on, endpoint client, asker who);

    /// Takes a port for the client's side; `none`, and the endpoint that it sends to.
    problem open(endpoint& bound);
    /// Begins to relay. `ended` is called once, if it was idle for so long or cannot hear any more.
    void start(watch& by, std::function<void(std::string_view why)> ended);
    /// Post: its ports are given back.
    void stop() noexcept;

    [[nodiscard]] std::uint64_t bytes_up() const noexcept { return up_; }
    [[nodiscard]] std::uint64_t bytes_down() const noexcept { return down_; }

private:
    struct known_name {
        std::string name;
        endpoint at;
        bool is_known = false;  ///< else it is looked up, and what follows the first datagram is dropped
    };

    void hear(berth::bound<berth::udp_socket>& at, void (association::*from)(berth::datagram&));
    void from_client(berth::datagram& d);
    void from_destination(berth::datagram& d);
    void to_name(const destination& to, asio::const_buffer payload);
    void to_destination(const endpoint& to, asio::const_buffer payload);
    bool may_go_to(const endpoint& to);
    berth::bound<berth::udp_socket>& socket_for(const endpoint& to);
    void drop() noexcept;
    void end(std::string_view why);
    void looked_at(clock::duration idle) noexcept override;
    void cut() noexcept override {}  // it ends with its connection

    std::shared_ptr<proxy> proxy_;
    executor_type on_;
    endpoint client_;
    std::string key_;
    asker who_;
    berth::bound<berth::udp_socket> near_, far4_, far6_;
    berth::tcp_resolver resolver_;
    std::deque<endpoint> destinations_;  ///< those that it may hear; the oldest goes for a new one
    std::deque<known_name> names_;
    std::function<void(std::string_view)> ended_;
    held_ports third_;  ///< counted
    std::uint64_t up_ = 0, down_ = 0;
    bool is_stopped_ = false;
};

}  // namespace outbound_proxy
