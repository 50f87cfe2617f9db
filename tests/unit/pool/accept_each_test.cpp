// async_accept_each: one submission, every client once, and one end.
#include "unit/pool/accepting_ground.hpp"

#include <atomic>
#include <memory>
#include <set>

namespace {

using namespace pool_test;

BERTH_BY_BACKEND(accept_each);

TEST_P(accept_each, calls_once_for_each_client_and_once_at_its_end) {
    door_->async_accept_each(handler());
    std::vector<system::socket_handle> clients;
    for (int i = 0; i < 300; ++i) {
        clients.push_back(client_of(port_));
        if (i % 50 == 0) context().poll();
    }
    until_there_are(300);
    std::set<std::uint16_t> remotes;
    for (auto& c : clients_) remotes.insert(c.remote_endpoint().port());
    EXPECT_EQ(remotes.size(), 300u);
    EXPECT_TRUE(ends_.empty());
    door_->close();
    EXPECT_TRUE(ends_.empty()) << "never from inside the call";
    run();
    ASSERT_EQ(ends_.size(), 1u);
    EXPECT_EQ(ends_[0], asio::error::operation_aborted);
    for (const auto client : clients) system::close_socket(client);
}

TEST_P(accept_each, is_cancelled_through_its_slot_and_begun_again) {
    asio::cancellation_signal signal;
    door_->async_accept_each(asio::bind_cancellation_slot(signal.slot(), handler()));
    const auto one = client_of(port_);
    until_there_are(1);
    signal.emit(asio::cancellation_type::terminal);
    run();
    ASSERT_EQ(ends_.size(), 1u);
    EXPECT_EQ(ends_[0], asio::error::operation_aborted);
    const auto two = client_of(port_);
    door_->async_accept_each(handler());
    until_there_are(2);
    system::close_socket(one), system::close_socket(two);
    door_->close();
    run();
}

TEST_P(accept_each, on_an_acceptor_that_is_not_open_says_so) {
    tcp_acceptor closed(context());
    error_code said;
    closed.async_accept_each([&](error_code ec, tcp_socket) { said = ec; });
    run();
    EXPECT_EQ(said, asio::error::bad_descriptor);
}

TEST_P(accept_each, under_way_when_its_context_ends_is_not_called) {
    bool called = false;
    const auto before = descriptors_now();
    {
        berth::io_context mine({.backend = GetParam()});
        tcp_acceptor door(mine, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        door.async_accept_each([&, keep = std::make_unique<int>()](error_code, tcp_socket) { called = true; });
        mine.poll();
    }
    EXPECT_FALSE(called);
    EXPECT_EQ(descriptors_now(), before);
}

}  // namespace
