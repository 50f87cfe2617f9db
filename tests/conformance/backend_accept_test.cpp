// Accepting: one client, many.
#include "conformance/backend_ground.hpp"

#include <set>

namespace backend_suite {
namespace {

TEST_P(backend_contract, accept_ends_with_the_clients_descriptor_and_its_address) {
    for (const int family : {AF_INET, AF_INET6}) {
        const auto door = listener(10, family);
        if (door.fd() == -1) continue;  // no IPv6 here
        auto& a = attach(door.fd(), false, family == AF_INET6);
        request r(verb::accept);
        r.with_source();
        start(r, a);
        EXPECT_EQ(settle(), 0);
        const auto client = connected_to(local_address(door));
        const descriptor accepted(end_of(r));
        ASSERT_GE(accepted.fd(), 0);
        EXPECT_EQ(r.source().text(), local_address(client).text());
        EXPECT_TRUE(is_kept_from_children(accepted.fd()));
        ASSERT_TRUE(say(client, "hello"));
        EXPECT_EQ(hear(accepted), "hello");
    }
}

TEST_P(backend_contract, each_accept_gets_a_client_of_its_own) {
    const auto door = listener();
    auto& a = attach(door);
    std::deque<request> all;
    std::vector<descriptor> clients, accepted;
    for (int i = 0; i < 50; ++i) clients.push_back(connected_to(local_address(door)));
    for (int i = 0; i < 100; ++i) start(all.emplace_back(verb::accept).with_source(), a);
    for (int i = 0; i < 50; ++i) clients.push_back(connected_to(local_address(door)));
    ASSERT_TRUE(run_until([&] { return under_way_.empty(); }));
    std::set<std::string> sources, expected;
    for (auto& r : all) {
        accepted.emplace_back(r.last);
        EXPECT_TRUE(is_open(r.last));
        sources.insert(r.source().text());
    }
    for (const auto& c : clients) expected.insert(local_address(c).text());
    EXPECT_EQ(sources, expected);
}

TEST_P(backend_contract, an_accept_started_from_each_end_misses_nobody) {
    const auto door = listener();
    auto& a = attach(door);
    request r(verb::accept);
    start(r, a);
    for (int i = 0; i < 200; ++i) {
        const auto client = connected_to(local_address(door));
        const descriptor accepted(end_of(r));
        ASSERT_GE(accepted.fd(), 0);
        start(r, a);
    }
}

TEST_P(backend_contract, accept_with_many_goes_on_until_it_is_cancelled) {
    const auto door = listener();
    auto& a = attach(door);
    request r(verb::accept);
    r.many = true;
    r.with_source();
    start(r, a);
    std::vector<descriptor> clients, accepted;
    for (int i = 0; i < 500; ++i) {
        clients.push_back(connected_to(local_address(door)));
        if (i % 7 == 0) settle(0ms);
    }
    ASSERT_TRUE(run_until([&] { return r.results == 500; }));
    EXPECT_EQ(r.ends, 0);
    for (const int fd : r.all) accepted.emplace_back(fd);
    for (const auto& d : accepted) EXPECT_TRUE(is_open(d.fd()));
    engine().cancel(r);
    EXPECT_EQ(end_of(r), aborted_result());
    EXPECT_EQ(r.results, 501);
    const auto late = connected_to(local_address(door));
    EXPECT_EQ(settle(), 0);
    request again(verb::accept);
    start(again, a);
    const descriptor it(end_of(again));
    EXPECT_GE(it.fd(), 0) << "the late one waited for somebody who asks";
}

TEST_P(backend_contract, each_client_of_many_comes_with_its_own_address) {
    const auto door = listener();
    request r(verb::accept);
    r.many = true;
    r.with_source();
    start(r, attach(door));
    std::vector<descriptor> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(connected_to(local_address(door)));
    for (int i = 0; i < 20; ++i) {
        const auto c = expect_result();
        EXPECT_TRUE(c.more);
        const descriptor accepted(c.result);
        EXPECT_EQ(r.source().text(), local_address(clients[std::size_t(i)]).text());
    }
}

TEST_P(backend_contract, accept_with_many_and_without_an_address_asks_for_none) {
    const auto door = listener();
    request r(verb::accept);
    r.many = true;
    start(r, attach(door));
    const auto client = connected_to(local_address(door));
    const descriptor accepted(expect_result().result);
    EXPECT_TRUE(say(client, "x"));
    EXPECT_EQ(hear(accepted), "x");
}

}  // namespace
}  // namespace backend_suite
