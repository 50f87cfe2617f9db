// connect by destination, as a program writes it: blocking, with callbacks, coroutines and futures, on either kind of
// socket; what is refused, called off or given back leaves the port and its tuple as they were.
#include "scenario/outbound_ground.hpp"
#include "unit/io/by_backend.hpp"

#include <berth/cancel_after.hpp>

#include <asio.hpp>

#include <optional>

namespace {

using namespace outbound_test;
using berth::bound;
using berth::tcp_socket;
using io_test::by_backend;
using namespace std::chrono_literals;

using asio_socket = asio::ip::tcp::socket;

class outbound_connect : public by_backend {};
BERTH_BY_BACKEND(outbound_connect);

auto books_of(const port_reservation& r) { return r.statistics(); }

void expect_all_back(const port_reservation& r, std::uint32_t size) {
    const auto books = r.statistics();
    EXPECT_EQ(books.ports.available, size);
    EXPECT_EQ(books.outbound.in_use, 0u);
    EXPECT_EQ(books.outbound.destinations, books.outbound.resting == 0 ? 0u : books.outbound.destinations);
}

TEST_P(outbound_connect, one_port_serves_as_many_destinations_as_it_has_session_sockets) {
    world w;
    auto ports = reserve(1, 3);
    std::vector<bound<tcp_socket>> up;
    error_code ec;
    for (std::uint32_t n = 0; n < 3; ++n) {
        up.push_back(ports.connect<tcp_socket>(context().get_executor(), w.at(n), ec));
        ASSERT_FALSE(ec) << ec.message();
        EXPECT_EQ(up.back().port(), ports.block().first);
    }
    EXPECT_TRUE(w.accept_all());
    EXPECT_EQ(w.size(), 3u);
    EXPECT_EQ(books_of(ports).outbound.destinations, 3u);
    const auto fourth = ports.connect<tcp_socket>(context().get_executor(), w.at(3), ec);
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_FALSE(fourth);
    up.clear();
    expect_all_back(ports, 3);
}

TEST_P(outbound_connect, a_port_is_connected_to_a_destination_once) {
    world w;
    auto ports = reserve(4, 3);
    std::vector<bound<tcp_socket>> up;
    error_code ec;
    for (int i = 0; i < 4; ++i) up.push_back(ports.connect<tcp_socket>(context().get_executor(), w.at(), ec));
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_TRUE(w.accept_all());
    EXPECT_EQ(w.by_port().size(), 4u);
    EXPECT_FALSE(ports.connect<tcp_socket>(context().get_executor(), w.at(), ec));
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_TRUE(ports.connect<tcp_socket>(context().get_executor(), w.at(1), ec)) << ec.message();
    const std::uint16_t freed = up[2].port();
    up.erase(up.begin() + 2);
    const auto again = ports.connect<tcp_socket>(context().get_executor(), w.at(), ec);
    EXPECT_FALSE(ec) << ec.message();
    EXPECT_EQ(again.port(), freed);
    EXPECT_EQ(books_of(ports).outbound.met_taken, 0u);
}

TEST_P(outbound_connect, every_token_and_either_socket) {
    world w;
    auto ports = reserve(2, 4);
    std::optional<bound<tcp_socket>> by_callback;
    error_code ec = errc::no_memory;
    ports.async_connect<tcp_socket>(context().get_executor(), w.at(0), [&](error_code e, bound<tcp_socket> b) {
        ec = e;
        by_callback = std::move(b);
    });
    EXPECT_FALSE(by_callback) << "never from inside the call";
    run();
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_EQ((*by_callback)->remote_endpoint(), w.at(0));
    EXPECT_EQ((*by_callback)->local_endpoint().port(), by_callback->port());

    bool done = false;
    asio::co_spawn(
        context().get_executor(),
        [&]() -> asio::awaitable<void> {
            const auto executor = context().get_executor();
            auto b = co_await ports.async_connect<tcp_socket>(executor, w.at(1), asio::use_awaitable);
            EXPECT_EQ(b->remote_endpoint(), w.at(1));
            EXPECT_TRUE(w.accept_all());
            co_await asio::async_write(*b, asio::buffer("hello", 5), asio::use_awaitable);
            char text[6] = {};
            EXPECT_EQ(::recv(w.connection(b.port(), 1), text, 5, 0), 5);
            EXPECT_STREQ(text, "hello");
            done = true;
        },
        asio::detached);
    run();
    EXPECT_TRUE(done);

    asio::io_context stock;
    auto future = ports.async_connect<asio_socket>(stock.get_executor(), w.at(2), asio::use_future);
    stock.run();
    auto by_future = future.get();
    EXPECT_EQ(by_future->remote_endpoint(), w.at(2));
    auto blocking = ports.connect<asio_socket>(stock.get_executor(), w.at(3));
    EXPECT_EQ(blocking->remote_endpoint(), w.at(3));
    blocking.give_back(ec), by_future.give_back(ec), by_callback->give_back(ec);
    expect_all_back(ports, 8);
}

TEST_P(outbound_connect, a_destination_that_refuses_gives_all_back_with_asios_error) {
    std::uint16_t nobody = 0;
    {
        world w;
        nobody = w.at().port();
    }
    auto ports = reserve(2, 2);
    const endpoint to(asio::ip::address_v4::loopback(), nobody);
    error_code ec;
    EXPECT_FALSE(ports.connect<tcp_socket>(context().get_executor(), to, ec));
    EXPECT_EQ(ec, asio::error::connection_refused);
    EXPECT_THROW(ports.connect<tcp_socket>(context().get_executor(), to), std::system_error);
    ports.async_connect<tcp_socket>(context().get_executor(), to, [&](error_code e, bound<tcp_socket> b) {
        EXPECT_EQ(e, asio::error::connection_refused);
        EXPECT_FALSE(b);
        expect_all_back(ports, 4);
        ec = {};
    });
    run();
    EXPECT_FALSE(ec);
}

TEST_P(outbound_connect, what_cannot_be_is_refused_by_name) {
    world w;
    const auto executor = context().get_executor();
    error_code ec;
    auto ports = reserve(2, 2);
    const endpoint six(asio::ip::address_v6::loopback(), w.at().port());
    ports.connect<tcp_socket>(executor, six, ec);
    EXPECT_EQ(ec, errc::family_mismatch);
    ports.connect<tcp_socket>(executor, {asio::ip::address_v4::loopback(), 0}, ec);
    EXPECT_EQ(ec, errc::invalid_argument);
    EXPECT_FALSE(ports.take_pair(ec)[0]);
    EXPECT_EQ(ec, errc::operation_not_supported);
    int heard = 0;
    ports.async_connect<tcp_socket>(executor, six, [&](error_code e, bound<tcp_socket>) {
        EXPECT_EQ(e, errc::family_mismatch);
        ++heard;
    });
    EXPECT_EQ(heard, 0) << "never from inside the call";
    run();
    EXPECT_EQ(heard, 1);
    ports.release();
    ports.connect<tcp_socket>(executor, w.at(), ec);
    EXPECT_EQ(ec, errc::reservation_released);
    port_reservation().connect<tcp_socket>(executor, w.at(), ec);
    EXPECT_EQ(ec, errc::reservation_released);
    berth::reservation_request request;
    request.block.count = 2;
    request.protocol = berth::transport::tcp;
    auto listening = port_reservation::reserve(request);
    listening.connect<tcp_socket>(executor, w.at(), ec);
    EXPECT_EQ(ec, errc::protocol_mismatch);
}

TEST_P(outbound_connect, called_off_in_any_way_the_port_and_the_tuple_come_back) {
    // Its queue is full, and further ones wait for an answer that does not come.
    const descriptor listener = bound_socket(AF_INET, SOCK_STREAM);
    ASSERT_EQ(::listen(listener, 0), 0);
    const endpoint to(asio::ip::address_v4::loopback(), port_of(listener));
    auto fill = reserve(2, 1);
    error_code ec;
    auto first = fill.connect<tcp_socket>(context().get_executor(), to, ec);
    ASSERT_FALSE(ec) << ec.message();
    auto ports = reserve(1, 1);
    for (const auto how :
         {asio::cancellation_type::total, asio::cancellation_type::partial, asio::cancellation_type::terminal}) {
        bool ended = false;
        ports.async_connect<tcp_socket>(context().get_executor(), to,
                                        berth::cancel_after(
                                            30ms,
                                            [&](error_code e, bound<tcp_socket> b) {
                                                EXPECT_EQ(e, asio::error::operation_aborted);
                                                EXPECT_FALSE(b);
                                                expect_all_back(ports, 1);
                                                ended = true;
                                            },
                                            how));
        run();
        EXPECT_TRUE(ended);
    }
    // A context that ends with the operation under way.
    {
        asio::io_context stock;
        ports.async_connect<asio_socket>(stock.get_executor(), to, [](error_code, bound<asio_socket>) { FAIL(); });
        stock.run_for(10ms);
        EXPECT_EQ(books_of(ports).outbound.in_use, 1u);
    }
    expect_all_back(ports, 1);
    ports.async_connect<tcp_socket>(context().get_executor(), to, [](error_code, bound<tcp_socket>) { FAIL(); });
    context().run_for(10ms);
    first.give_back(ec);  // the context's other one
    context_.reset();
    expect_all_back(ports, 1);
}

TEST_P(outbound_connect, a_dual_block_goes_to_both_families_in_turn) {
    world four, six(AF_INET6);
    auto ports = reserve(1, 2, address_family::dual);
    for (int i = 0; i < 4; ++i) {
        error_code ec;
        auto a = ports.connect<tcp_socket>(context().get_executor(), four.at(), ec);
        ASSERT_FALSE(ec) << ec.message();
        auto b = ports.connect<tcp_socket>(context().get_executor(), six.at(), ec);
        ASSERT_FALSE(ec) << ec.message();
        EXPECT_TRUE(four.accept_all() && six.accept_all());
        if (i % 2 == 1) a.give_back(ec);  // so that each socket meets each family
    }
    const endpoint mapped(asio::ip::make_address_v6(asio::ip::v4_mapped, asio::ip::address_v4::loopback()),
                          four.at().port());
    error_code ec;
    const auto a = ports.connect<tcp_socket>(context().get_executor(), mapped, ec);
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_FALSE(ports.connect<tcp_socket>(context().get_executor(), four.at(), ec)) << "it is the same destination";
    EXPECT_EQ(ec, errc::block_exhausted);
}

}  // namespace
