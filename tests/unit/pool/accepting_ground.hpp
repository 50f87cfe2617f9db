// What the tests of listeners share: an acceptor and what it has brought; a pool of acceptors started.
#pragma once

#include <berth/acceptor_pool.hpp>
#include <berth/tcp_acceptor.hpp>

#include "unit/pool/pool_ground.hpp"

#include <optional>

namespace pool_test {

using berth::acceptor_pool;
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

inline berth::reservation_request listening_ports(std::uint32_t count) {
    berth::reservation_request r;
    r.block.count = count;
    r.family = berth::address_family::ipv4;
    return r;
}

class acceptor_pool_of : public pool_by_backend {
protected:
    error_code start(acceptor_pool& pool) {
        error_code said = asio::error::fault;
        pool.async_start([&](error_code ec) { said = ec; });
        run();
        return said;
    }
};

}  // namespace pool_test
