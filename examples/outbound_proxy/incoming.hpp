// What a client has sent and nobody has read yet: messages come out of it whole, whatever pieces they came in.
//
// Bounded by the parsers, which call a message wrong before it is longer than its limit.
#pragma once

#include "protocol/parsed.hpp"

#include <berth/cancel_after.hpp>
#include <berth/connection.hpp>

#include <asio/awaitable.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <vector>

namespace outbound_proxy {

inline constexpr auto awaited = asio::experimental::as_tuple(asio::use_awaitable);

class incoming {
public:
    using clock = std::chrono::steady_clock;

    explicit incoming(berth::connection& from) noexcept : from_(from) {}

    [[nodiscard]] octets bytes() const noexcept { return octets(data_).subspan(begin_, end_ - begin_); }
    void consume(std::size_t size) noexcept { begin_ += size; }

    /// At least one byte more. timed_out at the deadline; operation_aborted if the server stops before a first byte.
    asio::awaitable<berth::error_code> receive(clock::time_point deadline, bool is_first = false) {
        if (begin_ == end_) begin_ = end_ = 0;
        if (end_ == data_.size()) data_.resize(end_ == 0 ? 512 : 2 * end_);
        const asio::mutable_buffer room = asio::buffer(data_) + end_;
        auto limited = berth::cancel_at(deadline, awaited);
        const auto [ec, size] = is_first ? co_await from_.async_read_unless_stopping(room, limited)
                                         : co_await from_.async_read_some(room, limited);
        end_ += size;
        if (ec == asio::error::operation_aborted && clock::now() >= deadline) co_return asio::error::timed_out;
        co_return ec;
    }

    /// The next message, consumed; or wrong; or `more`, and ec says why it never became whole.
    template <class Message>
    asio::awaitable<parsed> next(Message& out, clock::time_point deadline, berth::error_code& ec) {
        for (;;) {
            const parsed p = parse(bytes(), out);
            if (p.state == outcome::whole) consume(p.size);
            if (p.state != outcome::more) co_return p;
            ec = co_await receive(deadline);
            if (ec) co_return p;
        }
    }

    /// Gives its memory back. Post: it is empty.
    void clear() noexcept {
        data_ = {};
        begin_ = end_ = 0;
    }

private:
    berth::connection& from_;
    std::vector<std::uint8_t> data_;
    std::size_t begin_ = 0, end_ = 0;
};

}  // namespace outbound_proxy
