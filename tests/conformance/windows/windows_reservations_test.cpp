// Whole reservations over the Windows provider, native on the documents' system and by exclusive binds on the real
// one; and the documents' two steps through the public calls.
#include "conformance/windows/documents_system.hpp"
#include "conformance/windows/winsock_traffic.hpp"
#include "platform/windows/windows_provider.hpp"
#include "reservation_core.hpp"

#include <berth/associate.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

namespace provider_contract {
namespace {

using berth::address_family;
using berth::errc;
using berth::error_code;
using berth::failure;
using berth::reservation_request;
using berth::transport;
using berth::detail::reservation_core;
using berth::platform::native_socket;
using berth::platform::port_kind;
using berth::platform::socket_facts;
using berth::platform::windows_provider;

class windows_reservations : public testing::TestWithParam<bool> {
protected:
    std::shared_ptr<reservation_core> reserve(reservation_request request) {
        failure f;
        auto core = reservation_core::make(provider, request, f);
        EXPECT_TRUE(core) << f.what;
        return core;
    }
    bool is_free(std::uint16_t port) {
        machine.sweep();
        const auto s = make_winsock_socket(AF_INET6, SOCK_DGRAM);
        return bind_to(*s, AF_INET6, false, port) == 0;
    }
    documents::documents_machine machine;
    documents::documents_system system{machine};
    windows_provider provider{GetParam() ? static_cast<berth::platform::windows_calls&>(system)
                                         : berth::platform::real_windows_calls()};
};

TEST_P(windows_reservations, every_port_is_drawn_given_back_and_drawn_again) {
    const auto core = reserve({.block = {0, 8}});
    ASSERT_TRUE(core);
    auto* const lane = core->lane(transport::udp);
    winsock_traffic traffic(port_kind::udp, address_family::dual);
    for (int round = 0; round < 3; ++round) {
        std::vector<berth::bound_port> taken;
        error_code ec;
        for (int i = 0; i < 8; ++i) taken.push_back(lane->take(ec));
        ASSERT_FALSE(ec) << ec.message();
        lane->take(ec);
        EXPECT_EQ(ec, errc::block_exhausted);
        for (auto& port : taken) {
            const auto s = round == 1 ? port.native_handle() : port.io_handle();
            EXPECT_EQ(traffic.hears(s, port.port()), "");
            traffic.leave_unread(s, port.port());
        }
        if (round == 2) ::closesocket(taken.front().native_handle());  // behind the library's back
    }
    EXPECT_EQ(core->available() + core->reclaim(), 8u);
    failure f;
    core->release(f, berth::if_taken::refuse);
    EXPECT_FALSE(f) << f.what;
    for (std::uint32_t i = 0; i < 8; ++i)
        EXPECT_TRUE(is_free(static_cast<std::uint16_t>(core->block().first + i))) << i;
}

TEST_P(windows_reservations, callers_sockets_get_ports_and_give_them_back_by_being_closed) {
    const auto core = reserve({.block = {0, 4}});
    ASSERT_TRUE(core);
    auto* const lane = core->lane(transport::udp);
    winsock_traffic traffic(port_kind::udp, address_family::dual);
    for (int round = 0; round < 3; ++round) {
        std::vector<winsock_socket> callers;
        for (int i = 0; i < 4; ++i) {
            callers.push_back(make_winsock_socket(AF_INET6, SOCK_DGRAM));
            const auto target = static_cast<native_socket>(*callers.back());
            socket_facts before, after;
            ASSERT_FALSE(provider.inspect(target, before));
            std::uint32_t index = 0;
            std::uint64_t cookie = 0;
            failure f;
            lane->bind_callers(target, 0, index, cookie, f);
            ASSERT_FALSE(f) << f.what;
            ASSERT_FALSE(provider.recognise(target, after));
            EXPECT_EQ(after.cookie, cookie) << "by which it is known when it is given back";
            EXPECT_EQ(local_port(*callers.back()), lane->port_at(index));
            EXPECT_EQ(traffic.hears(*callers.back(), lane->port_at(index)), "");
        }
        EXPECT_EQ(core->available(), 0u);
        EXPECT_EQ(core->reclaim(), 0u) << "they are open";
        callers.clear();
        core->reclaim();
        EXPECT_EQ(core->available(), 4u) << "round " << round;
    }
}

TEST_P(windows_reservations, a_release_that_detaches_frees_all_ports_but_those_that_are_out) {
    auto core = reserve({.block = {0, 4}});
    ASSERT_TRUE(core);
    error_code ec;
    auto out = core->lane(transport::udp)->take(ec);
    ASSERT_FALSE(ec);
    failure f;
    core->release(f, berth::if_taken::detach);
    ASSERT_FALSE(f) << f.what;
    for (std::uint32_t i = 0; i < 4; ++i) {
        const auto port = static_cast<std::uint16_t>(core->block().first + i);
        EXPECT_EQ(is_free(port), port != out.port()) << port;
    }
    EXPECT_EQ(machine.reservations(), 0u);
    winsock_traffic traffic(port_kind::udp, address_family::dual);
    EXPECT_EQ(traffic.hears(out.io_handle(), out.port()), "");
    const auto port = out.port();
    out = {};
    EXPECT_TRUE(is_free(port));
}

// Each give back replaces a socket: the threads draw one another's ports.
TEST_P(windows_reservations, threads_that_replace_sockets_at_once_lose_no_port_and_share_none) {
    const auto core = reserve({.block = {0, 4}});
    ASSERT_TRUE(core);
    auto* const lane = core->lane(transport::udp);
    std::array<std::atomic<int>, 4> owners{};
    std::atomic<int> taken = 0, shared = 0;
    const auto work = [&] {
        for (int i = 0; i < 40; ++i) {
            error_code ec;
            auto port = lane->take(ec);
            if (ec) continue;
            auto& owner = owners[static_cast<std::size_t>(port.port() - core->block().first)];
            shared += owner++ != 0 ? 1 : 0;
            shared += local_port(port.native_handle()) != port.port() ? 1 : 0;
            ++taken;
            --owner;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back(work);
    for (auto& t : threads) t.join();
    EXPECT_EQ(shared, 0);
    EXPECT_GT(taken, 20);
    core->reclaim();
    EXPECT_EQ(core->available(), 4u);
}

INSTANTIATE_TEST_SUITE_P(, windows_reservations, testing::Bool(),
                         [](const auto& param_info) { return param_info.param ? "documents" : "exclusive"; });

// The public calls, over this very system.
TEST(windows_associate, a_block_lives_as_long_as_the_socket_it_was_reserved_on) {
    auto acquiring = make_winsock_socket(AF_INET, SOCK_DGRAM);
    failure f;
    const auto got = berth::reserve_on(*acquiring, {0, 2}, f);
    ASSERT_FALSE(f) << f.what;
    const auto socket = make_winsock_socket(AF_INET, SOCK_DGRAM);
    error_code ec;
    berth::associate(*socket, got.token, ec);
    ASSERT_FALSE(ec) << ec.message();
    berth::bind(*socket, {}, f);
    ASSERT_FALSE(f) << f.what;
    EXPECT_TRUE(got.block.contains(local_port(*socket)));
    berth::associate(*acquiring, got.token, ec);
    EXPECT_FALSE(ec) << "the acquiring socket itself: " << ec.message();
    berth::bind(*acquiring, {}, f);
    EXPECT_FALSE(f) << f.what;
    EXPECT_TRUE(got.block.contains(local_port(*acquiring)));
    const auto late = make_winsock_socket(AF_INET, SOCK_DGRAM);
    berth::associate(*late, got.token, ec);
    ASSERT_FALSE(ec);
    berth::bind(*late, {}, f);
    EXPECT_EQ(f.code, errc::block_exhausted);
    acquiring = winsock_socket();
    berth::associate(*late, got.token, ec);
    EXPECT_EQ(ec, errc::invalid_token) << "noticed at once by who names the token";
}

TEST(windows_associate, give_back_closes_and_returns_the_port) {
    auto reservation = berth::port_reservation::reserve({.block = {0, 1}, .family = address_family::ipv4});
    for (int round = 0; round < 3; ++round) {
        auto socket = make_winsock_socket(AF_INET, SOCK_DGRAM);
        error_code ec;
        failure f;
        berth::associate(*socket, reservation.token(), ec);
        ASSERT_FALSE(ec) << ec.message();
        berth::bind(*socket, {}, f);
        ASSERT_FALSE(f) << f.what;
        EXPECT_EQ(reservation.available(), 0u);
        berth::give_back(socket.let_go(), ec);
        EXPECT_FALSE(ec) << ec.message();
        reservation.reclaim();
        EXPECT_EQ(reservation.available(), 1u);
    }
}

}  // namespace
}  // namespace provider_contract
