// A server is replaced twenty times and more under load, as deploys would: no connection is refused or cut, no
// datagram stays without its answer, no port is lost, and nobody else gets one.
#include "intruder/intruder.hpp"
#include "scenario/handover_ground.hpp"
#include "stress/handover_clients.hpp"

#include <berth/server.hpp>
#include <berth/steady_timer.hpp>
#include <berth/udp_socket.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/use_awaitable.hpp>

#include <sys/wait.h>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <sstream>

namespace berth::test {
namespace {

using namespace std::chrono_literals;
using asio::use_awaitable;
using asio::experimental::as_tuple;

constexpr std::uint32_t tcp_ports = 4, udp_ports = 16;

asio::awaitable<void> echo(connection client) {
    char text[256];
    for (;;) {
        const auto [ec, size] = co_await client.async_read_some(asio::buffer(text), as_tuple(use_awaitable));
        if (ec) co_return;  // also while the server stops: the client ends it
        client.write(asio::buffer(text, size));
    }
}

/// A UDP socket that is served with.
struct voice {
    explicit voice(bound<udp_socket> from) : socket(std::move(from)) {}
    bound<udp_socket> socket;
    asio::cancellation_signal end;  // of the receive alone: what has been received is answered
    bool is_ending = false;
};

asio::awaitable<void> answer(voice& v) {
    char text[256];
    for (asio::ip::udp::endpoint who; !v.is_ending;) {
        const auto [ec, size] = co_await v.socket->async_receive_from(
            asio::buffer(text), who, asio::bind_cancellation_slot(v.end.slot(), as_tuple(use_awaitable)));
        if (!ec) co_await v.socket->async_send_to(asio::buffer(text, size), who, as_tuple(use_awaitable));
    }
    error_code ignored;
    v.socket.give_back(ignored);
}

/// One generation of the server, in its process.
class generation {
public:
    generation(std::string address, const word_channel& channel, backend_choice backend)
        : address_(std::move(address)), channel_(channel), context_({.backend = backend}) {}

    void run() {
        failure f;
        auto over = receive_handover(address_, f);
        over ? take_over(over) : reserve(f);
        if (testing::Test::HasFailure()) return;
        server_.listen(std::move(lobby_));
        server_.start(echo);
        for (auto& v : voices_) asio::co_spawn(context_, answer(v), asio::detached);
        if (over) over.complete();
        room_ = udp_.take(ec_);  // a room of this generation's, which nobody goes on with
        EXPECT_FALSE(ec_) << ec_.message();
        offer_ = over ? over.offer(f) : handover_offer(address_, f);
        ASSERT_FALSE(f) << f.what;
        offer();
        std::ostringstream up;
        up << tcp_port_;
        for (auto& v : voices_) up << ' ' << v.socket.port();
        up << ' ' << tcp_.block().first << ' ' << udp_.block().first;
        channel_.say(up.str());
        over = {};
        context_.run();
        if (is_last_) check_all();
        channel_.say("over");
    }

private:
    void reserve(const failure& f) {
        ASSERT_EQ(f.code, errc::service_unavailable) << f.what;
        reservation_request request;
        request.protocol = transport::tcp;
        request.block = {0, tcp_ports};
        tcp_ = port_reservation::reserve(request);
        request.protocol = transport::udp;
        request.block = {0, udp_ports};
        udp_ = port_reservation::reserve(request);
        lobby_ = tcp_.take(ec_);
        for (int i = 0; i < 2; ++i) voices_.emplace_back(udp_.take<udp_socket>(context_.get_executor(), ec_));
        EXPECT_FALSE(ec_) << ec_.message();
        tcp_port_ = lobby_.port();
    }
    void take_over(handover& over) {
        tcp_ = over.take_reservation("tcp", ec_);
        udp_ = over.take_reservation("udp", ec_);
        lobby_ = over.take("lobby", ec_);
        for (int i = 0; i < 2; ++i) {
            voices_.emplace_back(over.take<udp_socket>("voice", context_.get_executor(), ec_));
            EXPECT_FALSE(ec_) << ec_.message();
        }
        tcp_port_ = lobby_.port();
    }
    void offer() {
        failure f;
        offer_.add(tcp_, "tcp", f);
        offer_.add(udp_, "udp", f);
        offer_.serve(tcp_, transport::tcp, tcp_port_, "lobby", f);
        for (auto& v : voices_) offer_.serve(udp_, transport::udp, v.socket.port(), "voice", f);
        EXPECT_FALSE(f) << f.what;
        offer_.async_hand_over(context_, asio::bind_cancellation_slot(cancel_.slot(), [this](error_code ec) {
                                   if (ec == asio::error::operation_aborted && is_last_) return;
                                   EXPECT_FALSE(ec) << ec.message() << ": " << offer_.why().what;
                                   drain();
                               }));
        timer_.expires_after(20ms);
        timer_.async_wait([this](error_code) { look_for_the_end(); });
    }
    void look_for_the_end() {
        if (channel_.hear(0) == "end") {
            is_last_ = true;
            cancel_.emit(asio::cancellation_type::all);
            return drain();
        }
        if (is_draining_) return;
        timer_.expires_after(20ms);
        timer_.async_wait([this](error_code) { look_for_the_end(); });
    }
    void drain() {
        is_draining_ = true;
        timer_.cancel();
        for (auto& v : voices_) v.is_ending = true, v.end.emit(asio::cancellation_type::all);
        server_.async_leave(5s, [this](error_code ec) {
            EXPECT_FALSE(ec) << "connections were cut";
            room_.give_back(ec);
        });
    }
    // Every port of both blocks is here, once all others have ended.
    void check_all() {
        for (int i = 0; i < 400 && (tcp_.available() < tcp_ports || udp_.available() < udp_ports); ++i) {
            tcp_.reclaim();
            udp_.reclaim();
            ::usleep(5'000);
        }
        EXPECT_EQ(tcp_.available(), tcp_ports);
        EXPECT_EQ(udp_.available(), udp_ports);
        EXPECT_EQ(tcp_.statistics().condemned + udp_.statistics().condemned, 0u);
        expect_whole(tcp_, transport::tcp, tcp_ports);
        expect_whole(udp_, transport::udp, udp_ports);
    }

    const std::string address_;
    const word_channel& channel_;
    io_context context_;
    error_code ec_;
    port_reservation tcp_, udp_;
    bound_port lobby_, room_;
    std::uint16_t tcp_port_ = 0;
    std::deque<voice> voices_;
    server server_{context_};
    steady_timer timer_{context_};
    asio::cancellation_signal cancel_;
    handover_offer offer_;
    bool is_draining_ = false, is_last_ = false;
};

class handover_load : public testing::TestWithParam<attacked> {};

TEST_P(handover_load, no_client_notices_that_the_server_is_replaced) {
    const char* const asked = std::getenv("BERTH_HANDOVERS");
    const int replacements = asked != nullptr ? std::stoi(asked) : 24;
    const auto address = fresh_address();
    intruder_crew crew(GetParam());
    handover_clients clients;
    std::deque<other_process> running;
    const auto start = [&](int i) {
        const auto backend = i % 2 == 0 ? backend_choice::best : backend_choice::asio;
        running.emplace_back([&](const word_channel& channel) { generation(address, channel, backend).run(); });
        return running.back().channel().hear();
    };
    const auto up = start(0);
    std::istringstream words(up);
    std::uint16_t lobby = 0, voice_1 = 0, voice_2 = 0, tcp = 0, udp = 0;
    ASSERT_TRUE(words >> lobby >> voice_1 >> voice_2 >> tcp >> udp);
    crew.promise_begins();
    GetParam() == attacked::udp ? crew.attack(udp, udp_ports) : crew.attack(tcp, tcp_ports);
    clients.begin(lobby, {voice_1, voice_2});
    for (int i = 1; i <= replacements; ++i) {
        ::usleep(50'000);
        ASSERT_EQ(start(i), up) << "replacement " << i;
        ASSERT_EQ(running.front().channel().hear(), "over");
        ASSERT_EQ(running.front().wait(), 0);
        running.pop_front();
    }
    const auto seen = clients.stop();
    crew.promise_ends();
    const auto report = crew.stop();
    running.front().channel().say("end");
    EXPECT_EQ(running.front().channel().hear(), "over");
    EXPECT_EQ(running.front().wait(), 0);
    std::cout << replacements << " replacements, " << seen.connections << " connections, " << seen.datagrams
              << " datagrams, " << report.tries << " tries of intruders\n";
    EXPECT_EQ(seen.refused, 0u);
    EXPECT_EQ(seen.cut, 0u);
    EXPECT_EQ(seen.silent, 0u);
    EXPECT_EQ(seen.unanswered, 0u);
    EXPECT_EQ(seen.bounced, 0u);
    EXPECT_GT(seen.connections, 1'000u);
    EXPECT_GT(seen.datagrams, 1'000u);
    EXPECT_EQ(report.broken_promises, 0u) << report;
}

std::string name_of(const testing::TestParamInfo<attacked>& given) {
    return given.param == attacked::udp ? "intruders_at_udp" : "intruders_at_tcp";
}
INSTANTIATE_TEST_SUITE_P(under, handover_load, testing::Values(attacked::tcp, attacked::udp), name_of);

}  // namespace
}  // namespace berth::test
