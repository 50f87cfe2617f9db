// One scrape: GET over TCP with a time limit, or berthd's status over its own socket.
//
// Invariant: the handler is called once, on the context, with a text or with why there is none, and an answer has at
// most 16 MiB. HTTP/1.0, because it ends where the connection does; what answers in chunks all the same is refused.
#pragma once

#include "target.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace berth::top {

struct fetched {
    std::string text;
    std::string problem;  ///< in words; empty: there is a text
};
using fetch_handler = std::function<void(fetched)>;

inline constexpr std::size_t most_bytes = std::size_t{16} << 20;

/// A thread that berthd keeps waiting may outlive the call, so it shares the context.
void async_fetch(const std::shared_ptr<asio::io_context>& context, const target& from,
                 std::chrono::steady_clock::duration limit, fetch_handler handler);

/// The body of a whole answer (all bytes until the connection's end), or what is wrong with it.
[[nodiscard]] fetched body_of(std::string_view answer);

}  // namespace berth::top
