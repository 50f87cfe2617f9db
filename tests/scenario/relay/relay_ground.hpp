// A relay in this process, and clients of it that know no more than the documents: plain sockets and whole messages.
#pragma once

#include "channel_data.hpp"
#include "relay_metrics.hpp"
#include "relay_server.hpp"
#include "stun_writer.hpp"

#include <berth/service/graceful_drain.hpp>
#include <berth/service/logger.hpp>
#include <berth/service/metric_registry.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <ostream>
#include <streambuf>
#include <string>
#include <thread>
#include <vector>

namespace berth::test {

/// On 127.0.0.1, user "user" with the password "word", loopback peers allowed, two shards, 16 ports, no rest for
/// them, and twenty ticks a second.
class running_relay {
public:
    explicit running_relay(const std::function<void(relay::relay_options&)>& change = {},
                           std::chrono::milliseconds drain_time = std::chrono::seconds(10));
    ~running_relay();

    relay::relay_server& operator*() noexcept { return *server_; }
    relay::relay_server* operator->() noexcept { return server_.get(); }
    [[nodiscard]] asio::ip::udp::endpoint address(std::size_t i = 0) const { return server_->listening()[i]; }
    void drain() { drain_->begin(); }
    /// Waits until a drain is over: an exit_code.
    int join();

    /// How often an event was logged; with `part` in its line, if that is not empty.
    [[nodiscard]] std::size_t logged(std::string_view event, std::string_view part = {}) const;
    [[nodiscard]] std::string metrics() const { return metrics_.text(); }
    [[nodiscard]] bool wait_for(const std::function<bool()>& condition) const;  ///< at most ten seconds
    [[nodiscard]] std::uint64_t sum(const std::function<std::uint64_t(const relay::shard_counters&)>& of) const;
    [[nodiscard]] std::uint64_t dropped(relay::drop why) const {
        return sum([why](const auto& c) { return c.drops[static_cast<std::size_t>(why)].get(); });
    }
    [[nodiscard]] berth::port_counts ports(std::size_t block = 0) const {
        return server_->shared().blocks[block].ports().statistics().ports;
    }

private:
    /// What the log writes, for whoever asks meanwhile.
    class text final : public std::streambuf {
    public:
        [[nodiscard]] std::string so_far() const;

    protected:
        int_type overflow(int_type c) override;
        std::streamsize xsputn(const char* s, std::streamsize n) override;

    private:
        mutable std::mutex gate_;
        std::string all_;
    };
    mutable text text_;
    std::ostream out_{&text_};
    mutable berth::service::logger log_{{.to = &out_}};
    berth::shards shards_{{.count = 2}};
    berth::service::metric_registry metrics_;
    std::unique_ptr<relay::relay_server> server_;
    std::vector<berth::service::publication> shown_;
    std::optional<berth::service::graceful_drain> drain_;
    std::thread thread_;
    int outcome_ = -1;
};

using bytes = std::vector<std::uint8_t>;

/// A message that was received.
struct reply {
    bytes raw;
    std::optional<relay::stun_message> message;

    [[nodiscard]] bool is_success() const { return message && message->kind() == relay::message_class::success; }
    /// Of an error; 0: it is none.
    [[nodiscard]] int code() const;
};

class relay_client {
public:
    using fill = std::function<void(relay::stun_writer&)>;

    /// Over UDP from an address and port of its own, or over TCP.
    explicit relay_client(const asio::ip::udp::endpoint& relay, bool over_tcp = false);

    std::string user = "user", password = "word", realm, nonce;
    relay::integrity how = relay::integrity::sha1;
    bool with_fingerprint = false;
    relay::transaction_id transaction{};  ///< of the last request; the next is another

    /// With credentials, which the first challenge tells.
    reply ask(relay::stun_method method, const fill& attributes = {});
    reply ask_once(relay::stun_method method, const fill& attributes, bool with_credentials);
    reply allocate(const fill& more = {});
    reply refresh(std::uint32_t seconds);
    reply permit(const asio::ip::udp::endpoint& peer);
    reply bind(std::uint16_t channel, const asio::ip::udp::endpoint& peer);

    void send(relay::bytes_view message);
    /// One message; empty: none came within the time.
    bytes receive(std::chrono::milliseconds within = std::chrono::seconds(5));
    reply receive_reply(std::chrono::milliseconds within = std::chrono::seconds(5));
    /// The same request once more.
    reply repeat();
    /// True: the relay has closed the connection.
    bool is_closed(std::chrono::milliseconds within = std::chrono::seconds(5));

    [[nodiscard]] asio::ip::udp::endpoint local() const;
    asio::ip::tcp::socket& stream() noexcept { return tcp_; }

private:
    bool read(std::size_t size, std::chrono::milliseconds within);

    asio::io_context context_;
    asio::ip::udp::endpoint relay_;
    bool is_tcp_;
    asio::ip::udp::socket udp_;
    asio::ip::tcp::socket tcp_;
    bytes incoming_;
    bytes last_;
};

/// A socket that is nobody's client.
class plain_peer {
public:
    explicit plain_peer(const char* address = "127.0.0.1")
        : socket_(context_, asio::ip::udp::endpoint(asio::ip::make_address(address), 0)) {}
    [[nodiscard]] asio::ip::udp::endpoint address() const { return socket_.local_endpoint(); }
    void send(std::string_view text, const asio::ip::udp::endpoint& to) { socket_.send_to(asio::buffer(text), to); }
    /// "" if nothing came.
    std::string receive(std::chrono::milliseconds within = std::chrono::seconds(5));
    asio::ip::udp::endpoint from;  ///< of the last that was received

private:
    asio::io_context context_;
    asio::ip::udp::socket socket_;
};

}  // namespace berth::test
