// What `berth top` is told to look at: an address and port that answer GET, or berthd's socket.
#pragma once

#include <asio/ip/tcp.hpp>

#include <atomic>
#include <memory>
#include <string>

namespace berth::top {

struct target {
    std::string name;  ///< as it was given
    bool is_daemon = false;
    std::string socket;                                  ///< berthd's; empty: persistent_options' own choice
    std::shared_ptr<std::atomic<bool>> is_waited_for{};  ///< a thread waits for berthd's answer
    asio::ip::tcp::endpoint at{};
    std::string host, path;  ///< of the request
};

/// ADDRESS:PORT, NAME:PORT, [ADDRESS]:PORT, each with /PATH (else /metrics) and with http:// before it or not;
/// "berthd", or a path that begins with /, is berthd's socket. A name is looked up now. Throws std::invalid_argument,
/// whose text says what is wrong.
[[nodiscard]] target target_of(const std::string& words);

}  // namespace berth::top
