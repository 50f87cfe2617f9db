// One client, from its first byte to the end of its tunnel: who it is, what it wants, where it was taken.
//
//     PROXY header? → SOCKS5 or HTTP, by the first byte → request → rules, limits → connect → answer → tunnel
#pragma once

#include "incoming.hpp"
#include "protocol/http_connect.hpp"
#include "protocol/socks.hpp"
#include "proxy.hpp"

#include <berth/connection.hpp>
#include <berth/quotas.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace outbound_proxy {

class client {
public:
    using clock = std::chrono::steady_clock;

    client(std::shared_ptr<proxy> of, berth::connection from);

    /// Ends when the client has got all that it will get. Its line is in the log then.
    asio::awaitable<void> serve();

private:
    using tcp_endpoint = asio::ip::tcp::endpoint;

    // What its line of the log says.
    struct record {
        std::string_view protocol = "none";
        std::string user = "-", destination = "-";
        tcp_endpoint source, remote;
        std::string_view by = "-";  ///< the source's name
        std::uint64_t bytes_up = 0, bytes_down = 0;
        clock::duration connect{};
        std::string ending = "closed";
    };

    asio::awaitable<void> introduce();  ///< until it is known what the client speaks
    asio::awaitable<bool> read_proxy_header();
    bool admit();

    asio::awaitable<void> speak_socks();
    asio::awaitable<bool> greet();
    asio::awaitable<void> send_reply(socks_reply reply, const tcp_endpoint& bound = {});
    asio::awaitable<void> speak_http();
    /// True: it has a tunnel, or it is over.
    asio::awaitable<bool> answer_http(const http_connect& request);

    /// Where to, checked against the rules, tried one by one until one answers.
    asio::awaitable<problem> connect_to(const destination& to, const std::vector<port_span>& ports);
    asio::awaitable<problem> find(const destination& to, clock::time_point deadline, std::vector<tcp_endpoint>& out);
    problem count_ports(std::uint32_t count);
    asio::awaitable<void> carry();
    asio::awaitable<void> part();
    asio::awaitable<void> relay_datagrams(const destination& expected);

    asio::awaitable<bool> send(octets bytes);
    asio::awaitable<bool> send(std::string_view text);
    void give_up(std::string_view why) { record_.ending = why; }
    void odd(std::string_view why, tally& counted);
    void write_line() const;

    std::shared_ptr<proxy> proxy_;
    berth::connection connection_;
    incoming incoming_;
    tcp_endpoint address_;  ///< its own, or what a PROXY header says
    clock::time_point accepted_, deadline_;
    const user_setting* user_ = nullptr;
    berth::quota_hold as_client_;
    held_ports counted_;
    berth::bound<berth::tcp_socket> upstream_;
    record record_;
    bool has_tunnel_ = false;
};

}  // namespace outbound_proxy
