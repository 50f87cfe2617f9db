// Limits of a server: connections in all, of one address, and what the system itself has left.
#include "unit/server/server_ground.hpp"

#include "server/address_limits.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <ctime>

namespace {

using namespace server_test;

class server_limits : public server_by_backend {};
BERTH_BY_BACKEND(server_limits);

TEST_P(server_limits, beyond_the_limit_a_client_waits_until_there_is_room) {
    const auto running = serve(echo, {.max_connections = 3});
    std::vector<client> served;
    for (int i = 0; i < 3; ++i) {
        served.emplace_back(at_);
        ASSERT_EQ(served.back().ask("in"), "in");
    }
    const client first(at_), second(at_), third(at_);
    for (const auto* c : {&first, &second, &third}) {
        c->say("later");
        EXPECT_EQ(c->wait_for_end(20ms), client::open);
    }
    EXPECT_EQ(books().active, 3u);
    for (int i = 0; i < 3; ++i) {
        served.pop_back();
        EXPECT_TRUE(soon([&](const auto& b) { return b.accepted == static_cast<unsigned>(4 + i); }));
    }
    EXPECT_EQ(first.hear(5) + second.hear(5) + third.hear(5), "laterlaterlater");
    EXPECT_EQ(books().refused_by_limit, 0u);
}

TEST_P(server_limits, the_limit_holds_under_a_crowd_that_waits) {
    const auto running = serve(echo, {.max_connections = 8});
    constexpr int crowd = 200;
    std::atomic<int> served{0};
    std::atomic<std::uint64_t> most{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 20; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < crowd / 20; ++i) {
                const client c(at_);
                if (c.ask("hello") == "hello") ++served;
                const auto active = books().active;
                for (auto seen = most.load(); seen < active && !most.compare_exchange_weak(seen, active);) {
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(served, crowd);
    EXPECT_LE(most, 8u);
    EXPECT_TRUE(soon_active(0));
    EXPECT_EQ(books().accepted, static_cast<std::uint64_t>(crowd));
}

TEST_P(server_limits, or_it_is_reset_at_once) {
    const auto running = serve(echo, {.max_connections = 2, .when_full = berth::beyond_limit::reset});
    client one(at_), two(at_);
    EXPECT_EQ(one.ask("in"), "in");
    EXPECT_EQ(two.ask("in"), "in");
    for (int i = 0; i < 5; ++i) EXPECT_EQ(client(at_).wait_for_end(), client::reset);
    EXPECT_TRUE(soon([](const auto& b) { return b.refused_by_limit == 5; }));
    one = client();
    EXPECT_TRUE(soon_active(1));
    EXPECT_EQ(client(at_).ask("again"), "again");
    EXPECT_EQ(two.ask("still"), "still");
}

TEST_P(server_limits, an_address_has_a_limit_of_its_own) {
    const auto running = serve(echo, {.max_connections_per_address = 2});
    client one(at_), two(at_);
    EXPECT_EQ(one.ask("in"), "in");
    EXPECT_EQ(two.ask("in"), "in");
    EXPECT_EQ(client(at_).wait_for_end(), client::reset);
    const client other(at_, "127.0.0.2");
    EXPECT_EQ(other.ask("other"), "other");
    EXPECT_TRUE(soon([](const auto& b) { return b.refused_by_address == 1; }));
    two.end();
    EXPECT_TRUE(soon_active(2));
    EXPECT_EQ(client(at_).ask("again"), "again");
}

TEST(address_limits, ipv6_counts_by_networks_of_64_bits_and_mapped_ipv4_by_address) {
    const auto key = [](const char* address) {
        return berth::detail::address_limits::key_of(tcp::endpoint(asio::ip::make_address(address), 1));
    };
    EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    EXPECT_EQ(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    EXPECT_NE(key("10.0.0.1"), key("10.0.0.2"));
    berth::detail::address_limits limits;
    EXPECT_TRUE(limits.enter(7, 1));
    EXPECT_FALSE(limits.enter(7, 1));
    EXPECT_TRUE(limits.enter(8, 1));
    limits.leave(7);
    EXPECT_TRUE(limits.enter(7, 1));
}

double cpu_seconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

/// In a child, so that the limit is its own: clients in the parent, of which only some find a descriptor.
class starving_server {
public:
    explicit starving_server(berth::backend_choice backend) {
        int ready[2], order[2];
        EXPECT_EQ(::pipe(ready) | ::pipe(order), 0);
        child_ = ::fork();
        if (child_ == 0) ::_exit(live(backend, ready[1], order[0]));
        ready_ = ready[0];
        order_ = order[1];
        ::close(ready[1]);
        ::close(order[0]);
    }
    ~starving_server() {
        ::close(ready_);
        ::close(order_);
        if (child_ > 0) ::waitpid(child_, nullptr, 0);
    }
    std::uint32_t hear() const {
        std::uint32_t number = 0;
        EXPECT_EQ(::read(ready_, &number, sizeof number), static_cast<ssize_t>(sizeof number));
        return number;
    }
    void tell() const { EXPECT_EQ(::write(order_, "x", 1), 1); }

private:
    static int live(berth::backend_choice backend, int ready, int order) {
        const auto say = [&](std::uint64_t number) {
            const auto n = static_cast<std::uint32_t>(number);
            return ::write(ready, &n, sizeof n) == static_cast<ssize_t>(sizeof n);
        };
        char told = 0;
        rlimit limit{};  // first: the ring accepts by the limit that an accept was submitted under
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = 100;
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
        berth::shards two({.count = 2, .context = {.backend = backend}});
        server one(two);
        const auto at = one.listen(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        one.start(echo);
        two.start();
        std::vector<int> filled;
        for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) filled.push_back(fd);
        for (int i = 0; i < 3; ++i) ::close(filled[filled.size() - 1 - static_cast<std::size_t>(i)]);
        if (!say(at.port())) return 1;
        if (::read(order, &told, 1) != 1) return 1;  // the clients are connected
        const double before = cpu_seconds();
        std::this_thread::sleep_for(500ms);
        say(static_cast<std::uint64_t>((cpu_seconds() - before) * 1000));
        say(one.statistics().accepted);
        say(one.statistics().accept_backoffs);
        ::read(order, &told, 1);  // some are gone
        const auto until = clock::now() + 5s;
        while (one.statistics().accepted < 6 && clock::now() < until) std::this_thread::sleep_for(1ms);
        say(one.statistics().accepted);
        return 0;
    }

    pid_t child_ = -1;
    int ready_ = -1, order_ = -1;
};

TEST_P(server_limits, without_descriptors_the_loop_stays_free_and_accepts_when_one_is_closed) {
    const starving_server starving(GetParam());
    const tcp::endpoint at(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(starving.hear()));
    std::vector<client> all;
    for (int i = 0; i < 6; ++i) all.emplace_back(at);
    for (const auto& c : all) c.say("hungry");
    starving.tell();
    EXPECT_LT(starving.hear(), 250u) << "milliseconds of processor in half a second: it does not spin";
    EXPECT_EQ(starving.hear(), 3u) << "accepted";
    EXPECT_GE(starving.hear(), 1u) << "back-offs";
    std::vector<client> waiting;  // the others go
    for (auto& c : all) {
        pollfd answered{c.fd(), POLLIN, 0};
        if (::poll(&answered, 1, 0) == 0) waiting.push_back(std::move(c));
    }
    EXPECT_EQ(waiting.size(), 3u);
    all.clear();
    const auto start = clock::now();
    starving.tell();
    EXPECT_EQ(starving.hear(), 6u) << "all, in the end";
    EXPECT_LT(clock::now() - start, 900ms) << "woken by the ends, not by the longest delay";
    for (const auto& c : waiting) EXPECT_EQ(c.hear(6), "hungry");
}

}  // namespace
