// The daemon's door: who connects is looked at once (SO_PEERCRED), then asked for one message a turn.
//
// Invariant: everything is bounded and nobody waits for anybody. A client has at most one request under way, because
// it is answered before the next is read; an answer that finds no room (320 bytes in a socket whose owner does not
// read) ends the connection, as does any message that is none. Who may not ask is told so once and let go. One
// thread.
#pragma once

#include "connection_watch.hpp"
#include "persistent/message.hpp"
#include "platform/linux/local_socket.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace berth::daemon {

struct server_limits {
    std::size_t clients = 256;
    std::size_t strangers = 16;                    // that are told that they may not ask
    std::chrono::milliseconds for_strangers{500};  // to hear it
};

struct server_counts {
    std::uint64_t answered = 0, malformed = 0, denied = 0, turned_away = 0, too_slow = 0;
};

class message_server final : public connection_watch {
public:
    /// Nothing: it was answered already, or the connection is the answerer's from now on.
    using answerer =
        std::function<std::optional<detail::service_answer>(const detail::service_request&, platform::descriptor&)>;

    /// `group`: whose members may ask, besides root and this process's own user; -1: nobody else.
    message_server(std::string path, gid_t group, server_limits limits = {});
    ~message_server() override;
    message_server(const message_server&) = delete;
    message_server& operator=(const message_server&) = delete;

    /// 0 or an errno.
    int listen();
    /// At a socket that listens already, and stays when this server goes.
    int listen(platform::descriptor door);

    /// Besides the clients: `ready` runs when `fd` has something to read, or only when its other side is gone.
    void watch(int fd, work ready) override { watched_[fd] = {std::move(ready), true}; }
    void watch_end(int fd, work ready) override { watched_[fd] = {std::move(ready), false}; }
    void unwatch(int fd) override { watched_.erase(fd); }

    /// One turn: waits for `patience` or for something to happen, then serves each client at most one request.
    void turn(std::chrono::milliseconds patience, const answerer& answer);

    [[nodiscard]] std::size_t clients() const noexcept { return clients_.size() - strangers_; }
    [[nodiscard]] const server_counts& counts() const noexcept { return counts_; }

private:
    struct client {
        platform::descriptor connection;
        bool may_ask = false;
        std::chrono::steady_clock::time_point until{};  // strangers
    };
    void accept();
    bool may_ask(int connection, bool& is_known) const;
    bool serve(client& c, const answerer& answer);
    void let_strangers_go();

    const std::string path_;
    const gid_t group_;
    const server_limits limits_;
    platform::descriptor listener_;
    bool is_own_ = true;  // made here, and removed here
    std::map<int, client> clients_;
    std::size_t strangers_ = 0;
    struct watched {
        work ready;
        bool reads = true;
    };
    std::map<int, watched> watched_;
    std::chrono::steady_clock::time_point accepts_from_{};
    server_counts counts_;
};

}  // namespace berth::daemon
