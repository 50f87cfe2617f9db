// The daemon's door: who connects is looked at once (SO_PEERCRED), then asked for one message a turn.
//
// Invariant: everything is bounded and nobody waits for anybody. A client has at most one request under way, because
// it is answered before the next is read; an answer that finds no room (320 bytes in a socket whose owner does not
// read) ends the connection, as does any message that is none. Who may not ask is told so once and let go. One
// thread.
#pragma once

#include "persistent/message.hpp"
#include "platform/linux/local_socket.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
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

class message_server {
public:
    using answerer = std::function<detail::service_answer(const detail::service_request&)>;
    using work = std::function<void()>;

    /// `group`: whose members may ask, besides root and this process's own user; -1: nobody else.
    message_server(std::string path, gid_t group, server_limits limits = {});
    ~message_server();
    message_server(const message_server&) = delete;
    message_server& operator=(const message_server&) = delete;

    /// 0 or an errno.
    int listen();

    /// Besides the clients: `ready` runs when `fd` has something to read.
    void watch(int fd, work ready) { watched_[fd] = std::move(ready); }
    void unwatch(int fd) { watched_.erase(fd); }

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
    std::map<int, client> clients_;
    std::size_t strangers_ = 0;
    std::map<int, work> watched_;
    std::chrono::steady_clock::time_point accepts_from_{};
    server_counts counts_;
};

}  // namespace berth::daemon
