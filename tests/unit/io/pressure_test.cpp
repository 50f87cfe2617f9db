// What is promised when something runs short: room in buffers and queues.
#include <berth/udp_socket.hpp>

#include <random>

#include "support/sockets.hpp"
#include "unit/io/tcp_ground.hpp"

namespace {

using namespace io_test;
using asio::ip::udp;

class pressure : public tcp_by_backend {};
BERTH_BY_BACKEND(pressure);

char at(std::size_t i) { return static_cast<char>((i * 2654435761U) >> 13); }

TEST_P(pressure, eight_megabytes_reach_a_slow_reader_byte_for_byte) {
    auto [local_end, remote_end] = connected();
    local_end.set_option(asio::socket_base::send_buffer_size(100000));
    std::vector<char> sent(8 << 20);
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = at(i);
    std::thread reader([fd = remote_end.release(), size = sent.size()] {
        std::mt19937 random(5);
        std::vector<char> data(70000);
        std::size_t heard = 0;
        while (heard < size) {
            const auto n = berth::test::receive_some(fd, data.data(), 1 + random() % data.size());
            if (n < 0 && berth::test::last_trouble() == berth::test::trouble::would_block) {
                std::this_thread::sleep_for(20us);
                continue;
            }
            if (n <= 0) break;
            for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
                if (data[i] != at(heard + i)) ADD_FAILURE() << "byte " << heard + i, heard = size;
            }
            heard += static_cast<std::size_t>(n);
        }
        EXPECT_EQ(heard, size);
        berth::test::close_socket(fd);
    });
    std::size_t written = 0;
    int calls = 0;
    const auto counted = [&](const error_code& ec, std::size_t n) {
        ++calls;
        return asio::transfer_all()(ec, n);
    };
    asio::async_write(local_end, asio::buffer(sent), counted, [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        written = n;
    });
    run();
    local_end.close();
    reader.join();
    EXPECT_EQ(written, sent.size());
    EXPECT_GT(calls, 2) << "no write was short";
}

/// Far more under way, and ended at once, than any of the ring's queues has room for.
TEST_P(pressure, two_thousand_operations_end_once_each_over_a_ring_of_four) {
    berth::io_context small({.backend = GetParam(), .entries = 4});
    const udp::endpoint here(asio::ip::address_v4::loopback(), 0);
    std::vector<berth::udp_socket> sockets;
    std::vector<int> ended(2000), sent(200);
    char data[16];
    for (std::size_t i = 0; i < 200; ++i) sockets.emplace_back(small, here);
    for (std::size_t i = 0; i < ended.size(); ++i) {
        sockets[i % 200].async_receive(asio::buffer(data), [&, i](error_code ec, std::size_t) {
            EXPECT_EQ(bool(ec), i >= 1000) << i << ": " << ec.message();
            ++ended[i];
        });
    }
    for (std::size_t i = 0; i < 1000; ++i) {
        sockets[i % 200].async_send_to(asio::buffer("x", 1), sockets[i % 200].local_endpoint(),
                                       [&, i](error_code ec, std::size_t) {
                                           EXPECT_FALSE(ec) << ec.message();
                                           ++sent[i % 200];
                                       });
    }
    small.run_for(50ms);
    for (auto& s : sockets) s.cancel();
    small.run_for(10s);
    EXPECT_TRUE(small.stopped());
    EXPECT_EQ(ended, std::vector<int>(2000, 1));
    EXPECT_EQ(sent, std::vector<int>(200, 5));
}

TEST_P(pressure, of_a_million_functions_from_four_threads_none_is_lost_and_each_threads_are_in_order) {
    constexpr int threads = 4, each = 125'000;
    berth::io_context second({.backend = GetParam()});
    berth::io_context* const both[] = {&context(), &second};
    std::array<std::array<int, threads>, 2> next{};
    std::array<int, 2> out_of_order{};
    {
        const auto one = asio::make_work_guard(*both[0]), two = asio::make_work_guard(*both[1]);
        std::array<std::thread, 2> runners;
        for (std::size_t c = 0; c < 2; ++c) runners[c] = std::thread([&, c] { both[c]->run(); });
        std::vector<std::thread> posters;
        for (std::size_t t = 0; t < threads; ++t) {
            posters.emplace_back([&, t] {
                for (int i = 0; i < each; ++i) {
                    for (std::size_t c = 0; c < 2; ++c) {
                        asio::post(*both[c], [&, t, c, i] { out_of_order[c] += next[c][t]++ != i; });
                    }
                    if (i % 1000 == 0) std::this_thread::sleep_for(100us);  // they fall asleep, and are woken
                }
            });
        }
        for (auto& t : posters) t.join();
        std::promise<void> last[2];
        for (std::size_t c = 0; c < 2; ++c) asio::post(*both[c], [&, c] { last[c].set_value(); });
        for (auto& l : last) EXPECT_EQ(l.get_future().wait_for(20s), std::future_status::ready);
        for (auto* const c : both) c->stop();
        for (auto& r : runners) r.join();
    }
    for (std::size_t c = 0; c < 2; ++c) {
        EXPECT_EQ(out_of_order[c], 0);
        for (const int n : next[c]) EXPECT_EQ(n, each);
    }
}

}  // namespace
