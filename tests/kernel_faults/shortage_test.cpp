// What runs short is said: room for datagrams, places in the event queue, memory for a failure's own words.
#include "kernel_faults/faults_ground.hpp"

#include <berth/handover.hpp>
#include <berth/persistent_share.hpp>

#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

namespace {

using namespace kernel_faults_test;
using asio::ip::tcp;
using asio::ip::udp;
using berth::tcp_acceptor;
using berth::tcp_socket;
using berth::udp_socket;

const auto loopback = asio::ip::address_v4::loopback();

TEST(kernel_faults, datagrams_that_find_no_room_are_counted) {
    reservation_request request;
    request.protocol = berth::transport::udp;
    request.family = berth::address_family::ipv4;
    auto ports = port_reservation::reserve(request);
    for (const auto backend : {berth::backend_choice::best, berth::backend_choice::asio}) {
        berth::io_context context({.backend = backend});
        udp_socket client(context, udp::endpoint(loopback, 0));
        for (int session = 0; session < 2; ++session) {  // the second begins with what the first one lost
            auto socket = ports.take<udp_socket>(context.get_executor());
            const udp::endpoint at(loopback, socket.port());
            const std::uint32_t before = socket->overflowed();
            socket->set_option(asio::socket_base::receive_buffer_size(8192));
            socket->non_blocking(true);
            char data[1000] = {};
            constexpr std::uint32_t sent = 100;
            for (std::uint32_t i = 0; i < sent; ++i) client.send_to(asio::buffer(data), at);
            std::uint32_t received = 0;
            error_code ec;
            for (udp::endpoint from; socket->receive_from(asio::buffer(data), from, 0, ec), !ec;) ++received;
            EXPECT_GT(received, 0u);
            EXPECT_LT(received, sent) << "there was room for all: this shows nothing";
            EXPECT_EQ(socket->overflowed() - before, sent - received);
        }
    }
    error_code ec;
    berth::io_context context;
    EXPECT_EQ(udp_socket(context).overflowed(ec), 0u);
    EXPECT_EQ(ec, asio::error::bad_descriptor);
}

bool hears_reset(int client) {
    char byte;
    return ::recv(client, &byte, 1, 0) < 0 && errno == ECONNRESET;
}

int client_of(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return -1;
    return fd;
}

// The user's limit of watched sockets is reached: ENOSPC. Whoever accepts hears it, for each client that was lost.
TEST(kernel_faults, a_client_that_the_event_queue_refuses_is_told_to_who_accepts) {
    BERTH_NEEDS_FILTERS();
    const auto said = in_forked_child([]() -> std::string {
        berth::io_context context({.backend = berth::backend_choice::asio});
        tcp_acceptor door(context, tcp::endpoint(loopback, 0));
        const auto port = door.local_endpoint().port();
        error_code last;
        int calls = 0, taken_in = 0;
        const auto accept = [&] {
            door.async_accept_each([&](error_code ec, const tcp_socket& client) {
                ++calls;
                taken_in += client.is_open();
                if (ec) last = ec;
            });
        };
        accept();
        const int first = client_of(port);
        context.run_one_for(1s);
        if (taken_in != 1 || first < 0) return "without the fault nobody is taken in";
        if (!refuse(SYS_epoll_ctl, ENOSPC)) return "no filter";
        std::size_t in_use = 0;
        for (int i = 0; i < 120; ++i) {
            const int client = client_of(port);
            const int before = calls;
            for (int turn = 0; calls == before && turn < 100; ++turn) context.run_one_for(10ms);
            if (calls != before + 1) return "client " + std::to_string(i) + " is lost, and nobody is told";
            if (last.value() != ENOSPC) return "the reason is " + last.message();
            if (!hears_reset(client)) return "the client is not told";
            ::close(client);
            last = {};
            accept();
            if (i == 19) in_use = ::mallinfo2().uordblks;
        }
        if (taken_in != 1) return "a client was taken in after all";
        // Each that Asio is asked to watch and cannot costs memory until its context ends: hundreds of bytes.
        const auto more = static_cast<long>(::mallinfo2().uordblks) - static_cast<long>(in_use);
        return more < 4096 ? "" : std::to_string(more) + " bytes stay of 100 clients that were refused";
    });
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    if (said.find("bytes stay") != std::string::npos) GTEST_SKIP() << "a sanitizer's memory is not the program's own";
#endif
    EXPECT_EQ(said, "");
}

// A form with failure& says what went wrong, and what went wrong may be memory.
const reservation_request some_request;
const std::string some_path;
const berth::share_options some_share;
const std::chrono::milliseconds some_time(0);
failure some_failure;
static_assert(noexcept(port_reservation::reserve(some_request, some_failure)));
static_assert(noexcept(std::declval<port_reservation&>().release(some_failure)));
static_assert(noexcept(berth::reserve_on(berth::native_handle_type(), berth::port_block(), some_failure)));
static_assert(noexcept(berth::bind(berth::native_handle_type(), berth::bind_endpoint(), some_failure)));
static_assert(noexcept(berth::release(berth::native_handle_type(), berth::reservation_token(), some_failure)));
static_assert(noexcept(berth::create_persistent(berth::port_block(), berth::transport::udp, some_failure)));
static_assert(noexcept(berth::remove_persistent(berth::port_block(), berth::transport::udp, some_failure)));
static_assert(noexcept(berth::lookup_persistent(berth::port_block(), berth::transport::udp, some_failure)));
static_assert(noexcept(berth::drain_persistent(berth::port_block(), berth::transport::udp, true, some_failure)));
static_assert(noexcept(berth::list_persistent(some_failure)));
static_assert(noexcept(berth::persistent_status(some_failure)));
static_assert(noexcept(berth::open_persistent(berth::reservation_token(), some_failure, some_share)));
static_assert(noexcept(std::declval<berth::handover&>().offer(some_failure)));
static_assert(noexcept(berth::receive_handover(some_path, some_failure, some_time)));

}  // namespace
