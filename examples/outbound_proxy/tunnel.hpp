// Bytes both ways between a client and its destination, until both have said their end or one has failed.
//
// Each direction reads only when all that it read before is written: whoever does not read stops the other side, and
// no more than a buffer waits here (at first 4 KiB; of a fast stream up to 64 KiB). An end goes through by itself and
// leaves the other direction open. What is cut off on one side is a reset on the other, never an orderly end.
#pragma once

#include "watch.hpp"

#include <berth/bound.hpp>
#include <berth/connection.hpp>
#include <berth/tcp_socket.hpp>

#include <asio/awaitable.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace outbound_proxy {

class tally;

class tunnel final : private watched {
public:
    /// Until they are more than `idle` without a byte; 0: no limit.
    tunnel(berth::connection& client, berth::tcp_socket& upstream, clock::duration idle) noexcept
        : client_(client), upstream_(upstream), idle_(idle) {}

    /// Post: the upstream socket can be given back, and has delivered what it was given if the end was in order.
    /// `first`: what the client sent already. `last_words`: how long that delivery may take.
    asio::awaitable<void> run(watch& by, std::vector<char> first, clock::duration last_words);

    [[nodiscard]] std::uint64_t bytes_up() const noexcept { return up_.bytes; }
    [[nodiscard]] std::uint64_t bytes_down() const noexcept { return down_.bytes; }
    /// How it ended, a word for the log: closed, client_reset, upstream_reset, idle, cut …
    [[nodiscard]] std::string_view ending() const noexcept { return ending_; }
    void count_in(tally& up, tally& down) noexcept { up_.books = &up, down_.books = &down; }

private:
    struct direction {
        std::uint64_t bytes;
        tally* books;
        std::string_view from_fails, to_fails;
    };

    template <class From, class To>
    asio::awaitable<void> carry(From& from, To& to, std::vector<char> read, direction& way);
    asio::awaitable<void> delivered(clock::duration last_words);
    void looked_at(clock::duration idle) noexcept override;
    void cut() noexcept override { fail("cut"); }
    void fail(std::string_view how) noexcept;

    berth::connection& client_;
    berth::tcp_socket& upstream_;
    clock::duration idle_;
    direction up_{0, nullptr, "client_reset", "upstream_reset"}, down_{0, nullptr, "upstream_reset", "client_reset"};
    std::string_view ending_ = "closed";
    bool has_failed_ = false;
};

}  // namespace outbound_proxy
