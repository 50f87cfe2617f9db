// See tunnel.hpp.
#include "tunnel.hpp"

#include "books.hpp"

#include <berth/steady_timer.hpp>

#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace outbound_proxy {
namespace {

constexpr auto tupled = asio::experimental::as_tuple(asio::use_awaitable);
constexpr std::size_t first_buffer = 4 * 1024, largest_buffer = 64 * 1024;
constexpr std::chrono::milliseconds longest_step(256);

/// A TCP socket's state, the first byte of what TCP_INFO says.
class tcp_state {
public:
    template <class Protocol>
    [[nodiscard]] int level(const Protocol&) const noexcept {
        return ASIO_OS_DEF(IPPROTO_TCP);
    }
    template <class Protocol>
    [[nodiscard]] int name(const Protocol&) const noexcept {
        return TCP_INFO;
    }
    template <class Protocol>
    void* data(const Protocol&) noexcept {
        return data_;
    }
    template <class Protocol>
    [[nodiscard]] std::size_t size(const Protocol&) const noexcept {
        return sizeof data_;
    }
    template <class Protocol>
    void resize(const Protocol&, std::size_t) const noexcept {}
    /// Its end is sent, and not yet acknowledged.
    [[nodiscard]] bool is_closing() const noexcept {
        return data_[0] == TCP_FIN_WAIT1 || data_[0] == TCP_CLOSING || data_[0] == TCP_LAST_ACK;
    }

private:
    unsigned char data_[8] = {};
};

}  // namespace

template <class From, class To>
asio::awaitable<void> tunnel::carry(From& from, To& to, std::vector<char> read, direction& way) {
    std::size_t size = read.size();
    read.resize(std::max(size, first_buffer));
    while (!has_failed_) {  // it may have failed between two operations of this direction
        if (size == 0) {
            const auto [ended, received] = co_await from.async_read_some(asio::buffer(read), tupled);
            if (ended == asio::error::eof) {
                berth::error_code failed;
                to.shutdown(asio::socket_base::shutdown_send, failed);
                if (failed) fail(way.to_fails);
                co_return;
            }
            if (ended) co_return fail(way.from_fails);
            size = received;
            touch();
        }
        const auto [broken, written] = co_await asio::async_write(to, asio::buffer(read, size), tupled);
        way.bytes += written;
        if (way.books != nullptr) way.books->add(written);
        if (broken) co_return fail(way.to_fails);
        touch();
        if (size == read.size() && size < largest_buffer) read.resize(2 * size);
        size = 0;
    }
}

asio::awaitable<void> tunnel::run(watch& by, std::vector<char> first, clock::duration last_words) {
    using namespace asio::experimental::awaitable_operators;
    by.add(*this);
    co_await (carry(client_, upstream_, std::move(first), up_) && carry(upstream_, client_, {}, down_));
    leave();
    if (!has_failed_) co_await delivered(last_words);
}

// A port that is given back forgets what the system still had to send from it.
asio::awaitable<void> tunnel::delivered(clock::duration last_words) {
    const auto deadline = clock::now() + last_words;
    berth::steady_timer pause(upstream_.get_executor());
    for (std::chrono::milliseconds step(1); clock::now() < deadline;
         step = std::min<std::chrono::milliseconds>(2 * step, longest_step)) {
        tcp_state state;
        berth::error_code ec;
        upstream_.get_option(state, ec);
        if (ec || !state.is_closing()) co_return;
        pause.expires_after(step);
        co_await pause.async_wait(tupled);
    }
    ending_ = "undelivered";
}

void tunnel::looked_at(clock::duration idle) noexcept {
    if (!client_.is_open()) {
        fail("cut");
    } else if (idle_ != clock::duration::zero() && idle > idle_) {
        fail("idle");
    }
}

void tunnel::fail(std::string_view how) noexcept {
    if (has_failed_) return;
    has_failed_ = true;
    if (!client_.is_open()) {
        how = client_.end() == berth::connection_end::write ? "client_slow" : "cut";
    }
    ending_ = how;
    client_.reset();
    berth::error_code ignored;
    upstream_.cancel(ignored);
}

}  // namespace outbound_proxy
