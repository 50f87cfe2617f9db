// Processes that are killed with operations in the ring, and sockets that are closed while they are given a port.
#include "kernel_faults/faults_ground.hpp"

#include <berth/associate.hpp>
#include <berth/listener_pool.hpp>
#include <berth/tcp_acceptor.hpp>
#include <berth/udp_socket.hpp>

#include <asio/buffer.hpp>

#include <netinet/in.h>

#include <array>
#include <atomic>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace kernel_faults_test;

struct waiting {
    explicit waiting(berth::bound<berth::udp_socket> s) : socket(std::move(s)) {
        (*socket).async_receive_each([](error_code, const berth::datagram&) {});
    }
    berth::bound<berth::udp_socket> socket;
};

// Requests that the kernel still works on keep their sockets until it notices; holders are in no ring.
class kernel_faults_killed : public testing::TestWithParam<berth::backend_choice> {};
INSTANTIATE_TEST_SUITE_P(, kernel_faults_killed,
                         testing::Values(berth::backend_choice::io_uring, berth::backend_choice::asio),
                         [](const auto& i) {
                             return std::string(i.param == berth::backend_choice::io_uring ? "io_uring" : "asio");
                         });

TEST_P(kernel_faults_killed, with_operations_under_way) {
    constexpr std::uint32_t ports = 64;
    std::vector<double> took;
    for (int round = 0; round < 6; ++round) {
        reservation_request r;
        r.block.count = ports;
        {
            const auto scout = port_reservation::reserve(r);
            r.block = scout.block();
        }
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            ::close(ends[0]);
            try {
                berth::io_context context({.backend = GetParam()});
                auto block = port_reservation::reserve(r);
                std::vector<std::unique_ptr<waiting>> all;
                for (std::uint32_t i = 0; i < ports; ++i)
                    all.push_back(std::make_unique<waiting>(block.take<berth::udp_socket>(context.get_executor())));
                context.poll();
                if (::write(ends[1], "r", 1) != 1) ::_exit(1);
                context.run();
            } catch (const std::exception& refused) {
                ::_exit(says(refused.what(), "io_uring") ? 77 : 1);
            }
            ::_exit(1);
        }
        ::close(ends[1]);
        char word = 0;
        const auto n = ::read(ends[0], &word, 1);
        ::close(ends[0]);
        if (n != 1) {
            int status = 0;
            ::waitpid(child, &status, 0);
            ASSERT_EQ(WEXITSTATUS(status), 77) << "the holder could not begin";
            GTEST_SKIP() << "io_uring is refused here";
        }
        failure f;
        EXPECT_FALSE(port_reservation::reserve(r, f)) << "it does not hold";
        ASSERT_EQ(::kill(child, SIGKILL), 0);
        const auto begun = steady::now();
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        auto again = port_reservation::reserve(r, f);
        while (!again && steady::now() - begun < 5s) {  // as reserve_patiently does
            std::this_thread::sleep_for(1ms);
            again = port_reservation::reserve(r, f);
        }
        EXPECT_TRUE(again) << f.what;
        took.push_back(std::chrono::duration<double, std::milli>(steady::now() - begun).count());
        EXPECT_LT(took.back(), 1000) << "round " << round;
    }
    std::sort(took.begin(), took.end());
    std::cout << "reserved again after SIGKILL with " << ports << " operations under way: median "
              << took[took.size() / 2] << " ms, worst " << took.back() << " ms\n";
}

// The number is closed by another thread at any step of associate, bind and give back: the answer is an error or a
// port, and a port is never lost or lent twice. The number is kept, so that no third socket gets it meanwhile.
TEST(kernel_faults, closed_while_it_is_given_a_port) {
    reservation_request r;
    r.block.count = 2;
    r.family = berth::address_family::ipv4;
    auto block = port_reservation::reserve(r);
    std::atomic<int> number{-1}, closed{-1};
    std::atomic<bool> over{false};
    std::jthread closer([&] {
        while (!over) {
            const int fd = number.exchange(-1);
            if (fd < 0) continue;
            for (unsigned i = static_cast<unsigned>(fd) * 2654435761u % 400; i > 0; --i)
                std::atomic_signal_fence(std::memory_order_seq_cst);
            const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
            ::dup3(nothing, fd, O_CLOEXEC);  // closes the socket under its number
            ::close(nothing);
            closed = fd;
        }
    });
    int bound = 0, refused = 0;
    for (int round = 0; round < 800; ++round) {
        const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ASSERT_GE(fd, 0);
        failure f;
        number = fd;
        error_code ec;
        berth::associate(fd, block.token(), ec);
        if (!ec) {
            berth::bind(fd, berth::bind_endpoint(asio::ip::address(), 0), f);
            ec = f.code;
        }
        if (ec) {
            ++refused;
            EXPECT_TRUE(ec == errc::not_a_socket || ec == errc::not_associated || ec == errc::operation_aborted ||
                        ec == errc::operation_not_supported)
                << ec.message() << ": " << f.what;
        } else {
            ++bound;
        }
        while (closed.exchange(-1) != fd) std::this_thread::yield();
        ::close(fd);
        block.reclaim();
    }
    over = true;
    closer.join();
    std::cout << bound << " bound, " << refused << " refused\n";
    block.reclaim();
    EXPECT_EQ(block.statistics().ports.total(), 2u);
    EXPECT_EQ(block.statistics().ports.available, 2u) << "ports are lost";
    error_code ec;
    auto one = block.take(ec), two = block.take(ec);
    EXPECT_TRUE(one && two) << ec.message();
}

}  // namespace
