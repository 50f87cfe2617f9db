// The filter drops exactly what a parked socket of the block would receive, and nothing else.
#include "platform/linux/park_filter.hpp"

#include <linux/bpf.h>
#include <sys/mman.h>

#include <chrono>

#include "unit/linux/kernel_sockets.hpp"

namespace {

using namespace berth::platform;
using namespace berth_test;

struct park_filter_test : ::testing::Test {
    void SetUp() override {
        if (!park_filter::permitted(linux_calls())) GTEST_SKIP() << "eBPF socket filters are not permitted here";
    }
    static std::unique_ptr<park_filter> load(std::uint16_t first, std::uint32_t count) {
        int error = 0;
        auto f = park_filter::load(linux_calls(), first, count, error);
        EXPECT_NE(f, nullptr) << strerror(-error);
        return f;
    }
};

struct udp_family {
    int family;
    bool only_ipv6;
    std::vector<int> senders;
};

TEST_F(park_filter_test, parks_and_opens_udp_of_every_family) {
    for (const auto& [family, only, senders] :
         {udp_family{AF_INET, false, {AF_INET}}, udp_family{AF_INET6, true, {AF_INET6}},
          udp_family{AF_INET6, false, {AF_INET, AF_INET6}}}) {
        const descriptor session = bound_socket(family, SOCK_DGRAM, 0, only);
        const std::uint16_t port = port_of(session);
        auto filter = load(port, 1);
        ASSERT_EQ(filter->attach(session), 0);
        for (const int sender : senders) {
            for (int round = 0; round < 3; ++round) {
                filter->park(0, cookie_of(session));
                EXPECT_TRUE(filter->parked(0));
                send_to(port, sender, 20);
                EXPECT_EQ(count_received(session), 0);
                filter->open(0);
                EXPECT_FALSE(filter->parked(0));
                send_to(port, sender, 20);
                EXPECT_EQ(count_received(session), 20);
            }
        }
    }
}

TEST_F(park_filter_test, a_parked_listener_is_silent_even_to_ttl_255_and_its_child_lives_on) {
    const descriptor server = listener(AF_INET6);
    const std::uint16_t port = port_of(server);
    auto filter = load(port, 1);
    ASSERT_EQ(filter->attach(server), 0);
    const descriptor caller = client(AF_INET, port);
    ASSERT_TRUE(becomes(server, POLLIN, 2000));
    const descriptor child(::accept4(server, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ASSERT_GE(child, 0);

    filter->park(0, cookie_of(server));
    const descriptor late4 = client(AF_INET, port), late6 = client(AF_INET6, port);
    const descriptor near4 = client(AF_INET, port, 255), near6 = client(AF_INET6, port, 255);
    EXPECT_FALSE(becomes(server, POLLIN, 200));
    for (const descriptor* fd : {&late4, &late6, &near4, &near6}) EXPECT_FALSE(becomes(*fd, POLLOUT, 0));
    ASSERT_EQ(::send(caller, "hi", 2, 0), 2);
    EXPECT_TRUE(becomes(child, POLLIN, 2000));
    ASSERT_EQ(::send(child, "ho", 2, 0), 2);
    EXPECT_TRUE(becomes(caller, POLLIN, 2000));

    filter->open(0);
    const descriptor next = client(AF_INET6, port);
    EXPECT_TRUE(becomes(server, POLLIN, 2000));
}

TEST_F(park_filter_test, another_socket_of_the_port_and_ports_outside_the_block_pass) {
    const descriptor inside = bound_socket(AF_INET, SOCK_DGRAM), outside = bound_socket(AF_INET, SOCK_DGRAM);
    const auto first = std::min(port_of(inside), port_of(outside));
    auto filter = load(port_of(inside), 1);
    auto above = load(static_cast<std::uint16_t>(first - 1), 1);
    ASSERT_EQ(filter->attach(inside), 0);
    ASSERT_EQ(filter->attach(outside), 0);
    filter->park(0, cookie_of(outside));  // a cookie that is not the port's socket
    send_to(port_of(inside), AF_INET);
    send_to(port_of(outside), AF_INET);
    EXPECT_EQ(count_received(inside), 1);
    EXPECT_EQ(count_received(outside), 1) << "port below or above the block";
    ASSERT_EQ(above->attach(outside), 0);
    above->park(0, cookie_of(outside));
    send_to(port_of(outside), AF_INET);
    EXPECT_EQ(count_received(outside), 1) << "port above the block";
}

TEST_F(park_filter_test, the_last_cell_of_a_block_that_ends_at_65535_is_the_last_port) {
    const descriptor session = make_socket(AF_INET, SOCK_DGRAM);
    const auto any = sockaddr_in{.sin_family = AF_INET, .sin_port = htons(65535), .sin_addr = {}, .sin_zero = {}};
    if (::bind(session, name(any), sizeof any) != 0) GTEST_SKIP() << "port 65535 is in use here";
    auto filter = load(1, 65535);
    EXPECT_EQ(filter->mapped_bytes() % static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), 0u);
    EXPECT_GE(filter->mapped_bytes(), 65535u * 8);
    ASSERT_EQ(filter->attach(session), 0);
    filter->park(65534, cookie_of(session));
    send_to(65535, AF_INET);
    EXPECT_EQ(count_received(session), 0);
    filter->open(65534);
    send_to(65535, AF_INET);
    EXPECT_EQ(count_received(session), 1);
}

TEST_F(park_filter_test, a_socket_of_a_released_block_passes_for_ever) {
    const descriptor session = bound_socket(AF_INET, SOCK_DGRAM);
    auto filter = load(port_of(session), 1);
    ASSERT_EQ(filter->attach(session), 0);
    filter->park(0, cookie_of(session));
    filter.reset();
    send_to(port_of(session), AF_INET, 5);
    EXPECT_EQ(count_received(session), 5);
}

/// An array as a predecessor might send one. -errno.
int array_of(std::uint32_t value_size, std::uint32_t count, std::uint32_t flags = BPF_F_MMAPABLE) {
    bpf_attr a{};
    a.map_type = BPF_MAP_TYPE_ARRAY;
    a.key_size = 4;
    a.value_size = value_size;
    a.max_entries = count;
    a.map_flags = flags;
    return linux_calls().bpf(BPF_MAP_CREATE, a);
}

TEST_F(park_filter_test, of_another_process_is_shared_if_it_is_such_a_filter_and_nothing_else_is) {
    constexpr std::uint32_t count = 512;
    const auto theirs = load(20000, count), others = load(20000, count);
    const auto refuses = [&](int array, int program, std::uint32_t ports) {
        const int sent = ::dup(array), with = ::dup(program);  // as they come over: the filter's, if it takes them
        int error = 0;
        const auto made = park_filter::share(linux_calls(), sent, with, ports, error);
        if (made) return false;
        ::close(sent), ::close(with);
        return error < 0;
    };
    const descriptor larger(array_of(8, 2 * count)), smaller(array_of(8, count / 2)), narrow(array_of(4, count));
    const descriptor unmapped(array_of(8, count, 0)), file(::memfd_create("no_map", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(file, 4096), 0);
    EXPECT_TRUE(refuses(larger, theirs->program(), count));
    EXPECT_TRUE(refuses(smaller, theirs->program(), count));
    EXPECT_TRUE(refuses(narrow, theirs->program(), count));
    EXPECT_TRUE(refuses(unmapped, theirs->program(), count));
    EXPECT_TRUE(refuses(file, theirs->program(), count));
    EXPECT_TRUE(refuses(others->array(), theirs->program(), count)) << "the program looks at another array";
    EXPECT_TRUE(refuses(theirs->array(), theirs->array(), count)) << "an array is no program";
    EXPECT_TRUE(refuses(theirs->array(), theirs->program(), count + 1)) << "of another block";

    int error = 0;
    const auto shared =
        park_filter::share(linux_calls(), ::dup(theirs->array()), ::dup(theirs->program()), count, error);
    ASSERT_NE(shared, nullptr) << strerror(-error);
    shared->park(count - 1, 77);
    EXPECT_TRUE(theirs->parked(count - 1));
}

TEST_F(park_filter_test, park_and_open_together_cost_at_most_30_ns) {
    auto filter = load(20000, 64);
    double best = 1e9;
    for (int slice = 0; slice < 15; ++slice) {
        const auto start = std::chrono::steady_clock::now();
        for (std::uint32_t i = 0; i < 100000; ++i) {
            filter->park(i % 64, i + 1);
            filter->open(i % 64);
        }
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
        best = std::min(best, took.count() / 100000);
    }
    RecordProperty("park_and_open_picoseconds", static_cast<int>(best * 1000));
    std::printf("park + open: %.2f ns\n", best);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    EXPECT_LE(best, 30);
#endif
}

TEST(park_filter_refusal, of_a_block_that_does_not_exist_is_an_error_not_a_filter) {
    int error = 0;
    EXPECT_EQ(park_filter::load(linux_calls(), 65535, 2, error), nullptr);
    EXPECT_EQ(error, -EINVAL);
    EXPECT_EQ(park_filter::load(linux_calls(), 1, 0, error), nullptr);
    EXPECT_EQ(error, -EINVAL);
}

TEST(park_filter_refusal, leaves_no_descriptor_behind) {
    const descriptor before(::dup(0));
    int error = 0;
    for (int i = 0; i < 10; ++i) (void)park_filter::load(linux_calls(), 1, 100, error);
    const descriptor after(::dup(0));
    EXPECT_EQ(after, before + 1);
}

}  // namespace
