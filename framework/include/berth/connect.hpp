// A connection to the first of several endpoints that answers: asio::connect and asio::async_connect.
//
// Asio's own take its own sockets alone. These are found by the same calls, asio::async_connect(socket, ...)
// included, and do the same: the socket is closed before each attempt, a condition may leave endpoints out, the last
// error counts, not_found if there was no endpoint, operation_aborted if somebody closed the socket meanwhile.
#pragma once

#include <berth/tcp_socket.hpp>

#include <asio/cancellation_state.hpp>
#include <asio/compose.hpp>
#include <asio/connect.hpp>
#include <asio/post.hpp>

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

namespace berth::detail {

template <class T>
concept endpoint_sequence = requires(const T& s) {
    s.begin() != s.end();
};

struct every_endpoint {
    template <class Endpoint>
    bool operator()(const error_code&, const Endpoint&) const noexcept {
        return true;
    }
};

template <class Iterator>
struct iterator_range {
    Iterator first, last;
    [[nodiscard]] Iterator begin() const { return first; }
    [[nodiscard]] Iterator end() const { return last; }
};

/// The place of the first endpoint from `at` on that the condition lets through; how many there are, if none.
template <class Sequence, class Condition>
std::size_t next_allowed(const Sequence& all, std::size_t at, Condition& condition, const error_code& last) {
    auto one = std::next(all.begin(), static_cast<std::ptrdiff_t>(at));
    for (; one != all.end(); ++one, ++at) {
        const asio::ip::tcp::endpoint endpoint(*one);
        if (condition(last, endpoint)) break;
    }
    return at;
}

template <class Sequence>
asio::ip::tcp::endpoint endpoint_at(const Sequence& all, std::size_t at) {
    return *std::next(all.begin(), static_cast<std::ptrdiff_t>(at));
}

/// What the handler hears of: the endpoint, or the iterator where iterators were given.
template <class Sequence>
struct connected_to {
    using type = asio::ip::tcp::endpoint;
    static type of(const Sequence& all, std::size_t at, bool success) {
        return success ? endpoint_at(all, at) : type();
    }
};
template <class Iterator>
struct connected_to<iterator_range<Iterator>> {
    using type = Iterator;
    static type of(const iterator_range<Iterator>& all, std::size_t at, bool success) {
        return success ? std::next(all.first, static_cast<std::ptrdiff_t>(at)) : all.last;
    }
};

template <class Executor, class Sequence, class Condition>
auto connect_to_one(basic_tcp_socket<Executor>& socket, const Sequence& all, Condition condition, error_code& ec) {
    ec = {};
    const auto count = static_cast<std::size_t>(std::distance(all.begin(), all.end()));
    std::size_t at = next_allowed(all, 0, condition, ec);
    if (at == count) ec = asio::error::not_found;
    while (at != count) {
        error_code ignored;
        socket.close(ignored);
        socket.connect(endpoint_at(all, at), ec);
        if (!ec) break;
        at = next_allowed(all, at + 1, condition, ec);
    }
    return connected_to<Sequence>::of(all, at, !ec);
}

template <class Executor, class Sequence, class Condition>
struct connect_one_by_one {
    basic_tcp_socket<Executor>& socket;
    Sequence all;
    Condition condition;
    std::size_t at = 0;
    bool was_opened = false;
    enum { beginning, connecting, nothing_to_do } state = beginning;

    template <class Self>
    void operator()(Self& self, error_code ec = {}) {
        const auto count = static_cast<std::size_t>(std::distance(all.begin(), all.end()));
        if (state == nothing_to_do) return complete(self, asio::error::not_found);
        if (state == connecting) {
            if (!socket.is_open()) {  // it could not be opened, or somebody closed it meanwhile
                return complete(self, was_opened ? error_code(asio::error::operation_aborted) : ec);
            }
            if (!ec) return complete(self, ec);
            if (self.get_cancellation_state().cancelled() != asio::cancellation_type::none)
                return complete(self, asio::error::operation_aborted);
            ++at;
        } else {
            self.reset_cancellation_state(asio::enable_partial_cancellation());
        }
        at = next_allowed(all, at, condition, ec);
        if (at != count) {
            state = connecting;
            error_code ignored;
            socket.close(ignored);
            const auto endpoint = endpoint_at(all, at);  // before `all` goes with self
            socket.open(endpoint.protocol(), ignored);
            was_opened = socket.is_open();
            return socket.async_connect(endpoint, std::move(self));  // says why, if it was not
        }
        if (state == connecting) return complete(self, ec);
        state = nothing_to_do;
        asio::post(socket.get_executor(), std::move(self));
    }
    template <class Self>
    void complete(Self& self, error_code ec) {
        auto where = connected_to<Sequence>::of(all, at, !ec);
        self.complete(ec, std::move(where));
    }
};

template <class Executor, class Sequence, class Condition, class Token>
auto async_connect_to_one(basic_tcp_socket<Executor>& socket, Sequence all, Condition condition, Token&& token) {
    return asio::async_compose<Token, void(error_code, typename connected_to<Sequence>::type)>(
        connect_one_by_one<Executor, Sequence, Condition>{socket, std::move(all), std::move(condition)}, token,
        socket);
}

template <class Call>
auto connect_or_throw(Call call) {
    error_code ec;
    auto where = call(ec);
    throw_if(ec, "connect");
    return where;
}

}  // namespace berth::detail

namespace berth::inline v0_1 {

/// Blocks. Returns the endpoint that answered; of iterators, the one that points to it, or the end.
template <class Executor, detail::endpoint_sequence Sequence>
asio::ip::tcp::endpoint connect(basic_tcp_socket<Executor>& socket, const Sequence& all, error_code& ec) {
    return detail::connect_to_one(socket, all, detail::every_endpoint(), ec);
}
template <class Executor, detail::endpoint_sequence Sequence>
asio::ip::tcp::endpoint connect(basic_tcp_socket<Executor>& socket, const Sequence& all) {
    return detail::connect_or_throw([&](error_code& ec) { return connect(socket, all, ec); });
}
/// condition(error of the attempt before, endpoint): whether to try this one.
template <class Executor, detail::endpoint_sequence Sequence, class Condition>
asio::ip::tcp::endpoint connect(basic_tcp_socket<Executor>& socket, const Sequence& all, Condition condition,
                                error_code& ec) {
    return detail::connect_to_one(socket, all, std::move(condition), ec);
}
template <class Executor, std::input_iterator Iterator>
Iterator connect(basic_tcp_socket<Executor>& socket, Iterator first, Iterator last, error_code& ec) {
    return detail::connect_to_one(socket, detail::iterator_range<Iterator>{first, last}, detail::every_endpoint(),
                                  ec);
}
template <class Executor, std::input_iterator Iterator>
Iterator connect(basic_tcp_socket<Executor>& socket, Iterator first, Iterator last) {
    return detail::connect_or_throw([&](error_code& ec) { return connect(socket, first, last, ec); });
}

/// Completion signature void(error_code, endpoint). The sequence is copied.
template <class Executor, detail::endpoint_sequence Sequence,
          class Token = asio::default_completion_token_t<Executor>>
auto async_connect(basic_tcp_socket<Executor>& socket, const Sequence& all,
                   Token&& token = asio::default_completion_token_t<Executor>()) {
    return detail::async_connect_to_one(socket, all, detail::every_endpoint(), static_cast<Token&&>(token));
}
template <class Executor, detail::endpoint_sequence Sequence, class Condition, class Token>
auto async_connect(basic_tcp_socket<Executor>& socket, const Sequence& all, Condition condition, Token&& token) {
    return detail::async_connect_to_one(socket, all, std::move(condition), static_cast<Token&&>(token));
}
/// Completion signature void(error_code, Iterator). The iterators must stay valid until then.
template <class Executor, std::input_iterator Iterator, class Token = asio::default_completion_token_t<Executor>>
auto async_connect(basic_tcp_socket<Executor>& socket, Iterator first, Iterator last,
                   Token&& token = asio::default_completion_token_t<Executor>()) {
    return detail::async_connect_to_one(socket, detail::iterator_range<Iterator>{first, last},
                                        detail::every_endpoint(), token);
}
template <class Executor, std::input_iterator Iterator, class Condition, class Token>
auto async_connect(basic_tcp_socket<Executor>& socket, Iterator first, Iterator last, Condition condition,
                   Token&& token) {
    return detail::async_connect_to_one(socket, detail::iterator_range<Iterator>{first, last}, std::move(condition),
                                        token);
}

}  // namespace berth::v0_1

namespace asio {

using berth::async_connect;
using berth::connect;

}  // namespace asio
