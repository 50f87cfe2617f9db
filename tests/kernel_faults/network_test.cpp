// What strangers do to a server: floods of SYNs, resets in storms, silence where a wire was cut.
#include "kernel_faults/faults_ground.hpp"
#include "unit/server/server_ground.hpp"

#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

namespace {

using namespace server_test;
using kernel_faults_test::has_own_namespace;
using kernel_faults_test::network_counter;
using kernel_faults_test::processor_seconds;
using kernel_faults_test::write_setting;

class kernel_faults_network : public server_by_backend {};
BERTH_BY_BACKEND(kernel_faults_network);

std::uint16_t checksum(const void* data, std::size_t bytes, std::uint32_t sum) {
    const auto* at = static_cast<const unsigned char*>(data);
    for (std::size_t i = 0; i + 1 < bytes; i += 2) sum += static_cast<std::uint32_t>(at[i]) << 8 | at[i + 1];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return htons(static_cast<std::uint16_t>(~sum));
}

/// SYNs to 10.1.0.1 from addresses that nobody answers for.
class syn_flood {
public:
    explicit syn_flood(std::uint16_t port)
        : port_(port), raw_(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP)) {
        const int yes = 1;
        ::setsockopt(raw_, IPPROTO_IP, IP_HDRINCL, &yes, sizeof yes);
        thread_ = std::thread([this] {
            while (!is_over_) send(sent_++);
        });
    }
    ~syn_flood() { stop(); }
    std::uint32_t stop() {
        is_over_ = true;
        if (thread_.joinable()) thread_.join();
        if (raw_ >= 0) ::close(std::exchange(raw_, -1));
        return sent_;
    }

private:
    void send(std::uint32_t number) const {
        struct {
            iphdr ip;
            tcphdr tcp;
        } packet{};
        packet.ip.version = 4, packet.ip.ihl = 5, packet.ip.ttl = 64, packet.ip.protocol = IPPROTO_TCP;
        packet.ip.tot_len = htons(sizeof packet);
        packet.ip.saddr = htonl(0x0a01'0100u + number % 0xf000u), packet.ip.daddr = htonl(0x0a01'0001u);
        packet.tcp.source = htons(static_cast<std::uint16_t>(1024 + number % 60'000)), packet.tcp.dest = htons(port_);
        packet.tcp.seq = htonl(number * 7919), packet.tcp.doff = 5, packet.tcp.syn = 1,
        packet.tcp.window = htons(512);
        const std::uint32_t from = ntohl(packet.ip.saddr), to = ntohl(packet.ip.daddr);
        packet.tcp.check =
            checksum(&packet.tcp, sizeof packet.tcp,
                     (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff) + IPPROTO_TCP + sizeof packet.tcp);
        const auto where = asio::ip::tcp::endpoint(asio::ip::address_v4(0x0a01'0001u), 0);
        ::sendto(raw_, &packet, sizeof packet, 0, where.data(), static_cast<socklen_t>(where.size()));
    }

    const std::uint16_t port_;
    int raw_;
    std::uint32_t sent_ = 0;
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

// Whom nobody hears: answers to these addresses leave by an interface whose other end throws them away.
bool make_nowhere() {
    return std::system(
               "(ip link show far1 || ip link add far1 type veth peer name near1) >/dev/null 2>&1 && "
               "ip link set far1 up && ip link set near1 up && "
               "ip addr replace 10.1.0.1/16 dev far1 && "
               "ip neigh flush dev far1; ip route replace 10.1.0.0/16 via 10.1.0.2 dev far1 onlink && "
               "ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:02 dev far1") == 0;
}

TEST_P(kernel_faults_network, syn_flood) {
    if (!has_own_namespace()) GTEST_SKIP() << "it forges packets: only as root, in a namespace of its own";
    server_options options;
    options.backlog = 64;
    ASSERT_EQ(write_setting("/proc/sys/net/ipv4/tcp_syncookies", "1"), "");
    if (!make_nowhere()) GTEST_SKIP() << "no interface can be made here (iproute2, veth)";
    make(options);
    at_ = server_->listen(tcp::endpoint(asio::ip::address_v4::any(), 0));
    const auto running = go(echo);
    const auto cookies = network_counter("SyncookiesSent");
    const double before = processor_seconds();
    syn_flood flood(at_.port());
    std::this_thread::sleep_for(100ms);
    std::chrono::milliseconds slowest{};
    for (int i = 0; i < 50; ++i) {
        const auto asked = clock::now();
        const client honest(at_);
        EXPECT_EQ(honest.ask("honest"), "honest") << "client " << i;
        slowest = std::max(slowest, std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - asked));
    }
    const auto sent = flood.stop();
    const auto made = network_counter("SyncookiesSent") - cookies;
    std::printf("%u SYNs, %lld cookies, the slowest of 50 honest clients in %lld ms, %.2f s of processor\n", sent,
                made, static_cast<long long>(slowest.count()), processor_seconds() - before);
    EXPECT_GT(sent, 1'000u);
    EXPECT_GT(made, 100) << "the queue was never full: this shows nothing";
    EXPECT_LT(slowest, 1500ms);
    EXPECT_GE(books().accepted, 50u);
}

TEST_P(kernel_faults_network, a_server_that_no_cookies_protect_says_so) {
    if (!has_own_namespace()) GTEST_SKIP() << "it changes the network's settings: only as root, in a namespace of its own";
    static std::mutex gate;
    static std::string noticed;
    const auto knows = [] {
        const auto limits = berth::query_capabilities().limits;
        return std::any_of(limits.begin(), limits.end(),
                           [](const auto& l) { return l.find("tcp_syncookies") != std::string::npos; });
    };
    for (const char* value : {"1", "0"}) {
        noticed.clear();
        ASSERT_EQ(write_setting("/proc/sys/net/ipv4/tcp_syncookies", value), "");
        berth::set_log_sink([](berth::log_level level, std::string_view line, void*) noexcept {
            const std::lock_guard lock(gate);
            if (level == berth::log_level::warning) noticed += line;
        });
        {
            const auto running = serve(echo);
            EXPECT_EQ(client(at_).ask("honest"), "honest");
        }
        berth::set_log_sink(nullptr);
        EXPECT_EQ(noticed.find("tcp_syncookies") != std::string::npos, *value == '0') << noticed;
        EXPECT_EQ(knows(), *value == '0');
    }
    ASSERT_EQ(write_setting("/proc/sys/net/ipv4/tcp_syncookies", "1"), "");
}

TEST_P(kernel_faults_network, reset_storm) {
    const auto running = serve(echo);
    constexpr int clients = 300;
    for (int i = 0; i < clients; ++i) {
        client rude(at_);
        if (rude && i % 3 != 0) rude.say("some bytes, and no reading of the answer");
        rude.abort();  // many of them before they are accepted
        if (i % 50 == 0) {
            EXPECT_EQ(client(at_).ask("honest"), "honest");
        }
    }
    EXPECT_EQ(client(at_).ask("honest"), "honest");
    const auto until = clock::now() + 5s;
    while (books().active != 0 && clock::now() < until) std::this_thread::sleep_for(1ms);
    const auto all = books();
    EXPECT_EQ(all.active, 0u) << "connections are left";
    EXPECT_EQ(all.accepted, all.ended);
    EXPECT_EQ(all.handler_failures + all.accept_backoffs, 0u) << "a reset is its connection's business alone";
    EXPECT_GE(all.accepted + all.accept_errors, 100u);
}

/// lo of the test's own namespace.
void loopback_is(bool up) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq lo{};
    std::memcpy(lo.ifr_name, "lo", sizeof "lo");
    ::ioctl(fd, SIOCGIFFLAGS, &lo);
    lo.ifr_flags = static_cast<short>(up ? lo.ifr_flags | IFF_UP : lo.ifr_flags & ~IFF_UP);
    EXPECT_EQ(::ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    ::close(fd);
}

// A wire that was cut says nothing: neither an end nor a reset comes. The deadlines are what ends such connections.
TEST_P(kernel_faults_network, half_open_connection) {
    if (!has_own_namespace()) GTEST_SKIP() << "it takes the loopback interface down: only in a namespace of its own";
    server_options options;
    options.first_byte = options.total = 0s;
    options.idle = 200ms, options.write = 150ms, options.tick = 5ms;
    std::atomic<int> served{0};
    const auto running = serve(
        [&](connection c) -> awaitable<void> {
            char data[16];
            const bool writes = served++ == 0;
            co_await c.async_read_some(asio::buffer(data), as_tuple);
            static const std::string much(4 << 20, 'x');
            if (writes)
                co_await asio::async_write(c, asio::buffer(much), as_tuple);  // of which the wire takes no more
            co_await c.async_read_some(asio::buffer(data), as_tuple);
        },
        options, 1);
    {
        const client reads(at_), silent(at_);
        reads.say("!"), silent.say("!");
        std::this_thread::sleep_for(50ms);
        loopback_is(false);
        const auto until = clock::now() + 3s;
        while (books().active != 0 && clock::now() < until) std::this_thread::sleep_for(5ms);
        loopback_is(true);
        EXPECT_EQ(books().active, 0u) << "connections whose other end is gone stay for ever";
        EXPECT_EQ(books().write_timeouts, 1u);
        EXPECT_EQ(books().idle_timeouts, 1u);
    }
    const client later(at_);
    later.say("!");
    const auto until = clock::now() + 2s;
    while (books().accepted < 3 && clock::now() < until) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(books().accepted, 3u) << "nobody is served after it";
}

}  // namespace
