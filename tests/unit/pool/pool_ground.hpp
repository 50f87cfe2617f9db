// What the tests of pools share: shards on threads of their own, blocking clients that are none of berth's.
#pragma once

#include <berth/port_reservation.hpp>

#include "support/free_block.hpp"
#include "support/sockets.hpp"
#include "unit/io/by_backend.hpp"

#include <asio.hpp>

#include <memory>
#include <thread>
#include <vector>

namespace pool_test {

using namespace io_test;
namespace system = berth::test;
using berth::test::descriptors_now;
using berth::test::free_block;
using asio::ip::tcp;
using asio::ip::udp;

/// A context that is run by a thread until it goes.
class shard {
public:
    explicit shard(berth::backend_choice backend)
        : context_({.backend = backend}), thread_([this] { context_.run(); }) {}
    ~shard() {
        context_.stop();
        thread_.join();
    }
    shard(const shard&) = delete;
    berth::io_context& context() noexcept { return context_; }

    /// Runs a function there, and waits for it.
    template <class Function>
    auto there(Function f) {
        return asio::post(context_, asio::use_future(std::move(f))).get();
    }

private:
    berth::io_context context_;
    asio::executor_work_guard<berth::io_context::executor_type> busy_{context_.get_executor()};
    std::thread thread_;
};

enum class served { yes, reset, refused, closed, silent };

inline system::socket_handle client_of(std::uint16_t port) {
    const auto client = system::open_tcp();
    system::set_nonblocking(client, true);
    system::connect_socket(client, tcp::endpoint(asio::ip::address_v4::loopback(), port));
    return client;
}

/// How it ends for a client that waits for one byte, and then asks. (A listener that falls silent in the midst of a
/// handshake leaves a client that only waits in the dark; whoever speaks is told.)
inline served end_of_client(system::socket_handle client, std::chrono::milliseconds limit) {
    if (!system::wait_readable(client, limit)) {
        system::send_some(client, "?", 1);
        if (!system::wait_readable(client, limit)) return served::silent;
    }
    char byte = 0;
    const auto got = system::receive_some(client, &byte, 1);
    if (got == 1) return served::yes;
    if (got == 0) return served::closed;
    return system::last_trouble() == system::trouble::refused ? served::refused : served::reset;
}

/// A system without a provider of ports says so; its tests of pools are skipped.
class pool_by_backend : public by_backend {
protected:
    void SetUp() override {
        by_backend::SetUp();
        if (IsSkipped()) return;
        berth::failure why;
        auto one = berth::port_reservation::reserve({}, why);
        if (why.code == berth::errc::operation_not_supported) GTEST_SKIP() << why.what;
    }
};

}  // namespace pool_test
