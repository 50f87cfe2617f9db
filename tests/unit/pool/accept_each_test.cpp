// async_accept_each: one submission, every client once, and one end.
#include <berth/tcp_acceptor.hpp>

#include "unit/pool/pool_ground.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <set>

namespace {

using namespace pool_test;
using berth::tcp_acceptor;
using berth::tcp_socket;

class accept_each : public by_backend {
protected:
    void SetUp() override {
        by_backend::SetUp();
        if (!context_) return;
        door_.emplace(context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        port_ = door_->local_endpoint().port();
    }
    auto handler() {
        return [this](error_code ec, tcp_socket client) {
            EXPECT_EQ(static_cast<bool>(ec), !client.is_open());
            if (ec) ends_.push_back(ec);
            if (!ec) clients_.push_back(std::move(client));
        };
    }
    void until_there_are(std::size_t n) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (clients_.size() < n && std::chrono::steady_clock::now() < deadline) context().run_one_for(100ms);
        ASSERT_EQ(clients_.size(), n);
    }
    std::optional<tcp_acceptor> door_;
    std::uint16_t port_ = 0;
    std::vector<tcp_socket> clients_;
    std::vector<error_code> ends_;
};
BERTH_BY_BACKEND(accept_each);

TEST_P(accept_each, calls_once_for_each_client_and_once_at_its_end) {
    door_->async_accept_each(handler());
    std::vector<int> fds;
    for (int i = 0; i < 300; ++i) {
        fds.push_back(client_of(port_));
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
    for (const int fd : fds) ::close(fd);
}

TEST_P(accept_each, is_cancelled_through_its_slot_and_begun_again) {
    asio::cancellation_signal signal;
    door_->async_accept_each(asio::bind_cancellation_slot(signal.slot(), handler()));
    const int one = client_of(port_);
    until_there_are(1);
    signal.emit(asio::cancellation_type::terminal);
    run();
    ASSERT_EQ(ends_.size(), 1u);
    EXPECT_EQ(ends_[0], asio::error::operation_aborted);
    const int two = client_of(port_);
    door_->async_accept_each(handler());
    until_there_are(2);
    ::close(one), ::close(two);
    door_->close();
    run();
}

TEST_P(accept_each, ends_when_there_is_no_descriptor_left_and_misses_nobody) {
    const int one = client_of(port_), two = client_of(port_);
    const auto before = limit_of_descriptors(descriptors_now() + 20);
    std::vector<int> fill;
    for (int fd = 0; (fd = ::dup(one)) >= 0;) fill.push_back(fd);
    door_->async_accept_each(handler());
    for (int i = 0; i < 100 && ends_.empty(); ++i) context().run_one_for(10ms);
    for (const int fd : fill) ::close(fd);
    limit_of_descriptors(before);
    ASSERT_EQ(ends_.size(), 1u);
    EXPECT_EQ(ends_[0], asio::error::no_descriptors) << ends_[0].message();
    door_->async_accept_each(handler());
    until_there_are(2);
    door_->close();
    run();
    ::close(one), ::close(two);
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
