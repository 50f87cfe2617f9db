// asio::connect and asio::async_connect over berth's sockets: one endpoint after another, until one answers.
#include <berth/connect.hpp>
#include <berth/resolver.hpp>

#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using asio::experimental::as_tuple;

class connecting : public tcp_by_backend {
protected:
    void SetUp() override {
        tcp_by_backend::SetUp();
        if (IsSkipped()) return;
        acceptor_ = std::make_unique<tcp_acceptor>(context(), anywhere);
        there_ = acceptor_->local_endpoint();
        tcp_acceptor gone(context(), anywhere);
        nobody_ = gone.local_endpoint();
    }
    std::unique_ptr<tcp_acceptor> acceptor_;
    tcp::endpoint there_, nobody_;
};
BERTH_BY_BACKEND(connecting);

TEST_P(connecting, the_first_that_answers_is_taken) {
    const std::vector<tcp::endpoint> all{nobody_, nobody_, there_, nobody_};
    tcp_socket socket(context()), other(context());
    EXPECT_EQ(asio::connect(socket, all), there_);
    error_code ec = asio::error::would_block;
    EXPECT_EQ(asio::connect(other, all.begin(), all.end(), ec) - all.begin(), 2);
    EXPECT_FALSE(ec);
    auto found = asio::async_connect(socket, all, asio::use_future);
    auto iterator = asio::async_connect(other, all.begin(), all.end(), asio::use_future);
    run();
    EXPECT_EQ(found.get(), there_);
    EXPECT_EQ(iterator.get() - all.begin(), 2);
    EXPECT_EQ(socket.remote_endpoint(), there_);
}

TEST_P(connecting, what_a_resolver_found_is_a_range_of_endpoints) {
    berth::tcp_resolver names(context());
    tcp_socket local_end(context());
    tcp::endpoint where;
    run_coroutine([&]() -> asio::awaitable<void> {
        const auto found =
            co_await names.async_resolve("localhost", std::to_string(there_.port()), asio::use_awaitable);
        where = co_await asio::async_connect(local_end, found, asio::use_awaitable);
        local_end.close();
        const auto entry = co_await asio::async_connect(local_end, found.begin(), found.end(), use_awaitable);
        EXPECT_EQ(entry->endpoint(), there_);
    });
    EXPECT_EQ(where, there_);
}

TEST_P(connecting, failures_are_those_of_the_last_attempt_or_of_none) {
    const std::vector<tcp::endpoint> none, refused{nobody_, nobody_};
    tcp_socket socket(context());
    error_code ec, later, never;
    EXPECT_EQ(asio::connect(socket, refused, ec), tcp::endpoint());
    EXPECT_EQ(ec, asio::error::connection_refused);
    asio::connect(socket, none, ec);
    EXPECT_EQ(ec, asio::error::not_found);
    EXPECT_THROW(asio::connect(socket, refused), std::system_error);
    bool inside = true;
    asio::async_connect(socket, refused, [&](error_code e, const tcp::endpoint& to) {
        later = e;
        EXPECT_EQ(to, tcp::endpoint());
    });
    run();
    asio::async_connect(socket, none, [&](error_code e, const tcp::endpoint&) {
        never = e;
        EXPECT_FALSE(inside);
    });
    inside = false;
    run();
    EXPECT_EQ(later, asio::error::connection_refused);
    EXPECT_EQ(never, asio::error::not_found);
}

TEST_P(connecting, a_condition_leaves_endpoints_out_and_hears_of_failures) {
    const std::vector<tcp::endpoint> all{there_, nobody_, there_};
    std::vector<error_code> heard;
    const auto not_the_first = [&](const error_code& ec, const tcp::endpoint&) {
        heard.push_back(ec);
        return heard.size() != 1;
    };
    tcp_socket socket(context());
    error_code ec;
    EXPECT_EQ(asio::connect(socket, all, not_the_first, ec), there_);
    EXPECT_EQ(heard.size(), 3u);
    EXPECT_EQ(heard.back(), asio::error::connection_refused);
    heard.clear();
    auto found = asio::async_connect(socket, all, not_the_first, asio::use_future);
    run();
    EXPECT_EQ(found.get(), there_);
    EXPECT_EQ(heard.size(), 3u);
    EXPECT_EQ(heard.back(), asio::error::connection_refused);
}

TEST_P(connecting, closing_the_socket_meanwhile_ends_it) {
    const std::vector<tcp::endpoint> all{there_, there_};
    tcp_socket socket(context());
    error_code heard;
    asio::post(context(), [&] {
        asio::async_connect(socket, all, [&](error_code ec, const tcp::endpoint&) { heard = ec; });
        socket.close();
    });
    run();
    EXPECT_EQ(heard, asio::error::operation_aborted);
}

TEST_P(connecting, a_strand_and_any_executor_connect_as_well) {
    auto strand = asio::make_strand(context());
    berth::basic_tcp_socket<asio::strand<berth::io_context::executor_type>> serial(strand);
    berth::basic_tcp_socket<asio::any_io_executor> any(context().get_executor());
    const std::vector<tcp::endpoint> all{nobody_, there_};
    bool inside = false;
    asio::async_connect(serial, all, [&](error_code ec, const tcp::endpoint&) {
        EXPECT_FALSE(ec);
        inside = strand.running_in_this_thread();
    });
    auto found = asio::async_connect(any, all, asio::use_future);
    run();
    EXPECT_TRUE(inside);
    EXPECT_EQ(found.get(), there_);
}

}  // namespace
