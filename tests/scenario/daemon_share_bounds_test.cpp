// Who may not consume gets nothing; who asks too much gets his part and hears why; nonsense costs the others nothing.
#include "rude_consumer.hpp"

#include <berth/associate.hpp>

#include <grp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

namespace berth::test {
namespace {

using detail::fetch_kind;
using detail::request_kind;
using detail::service_request;
using detail::share_message;
using detail::share_verb;
using platform::descriptor;
using namespace std::chrono_literals;

class daemon_share_bounds : public rude_ground {
protected:
    static std::uint32_t processor_ticks(pid_t process) {
        FILE* const file = std::fopen(("/proc/" + std::to_string(process) + "/stat").c_str(), "re");
        unsigned user = 0, system = 0;
        if (file == nullptr) return 0;
        if (std::fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %u %u", &user, &system) != 2)
            user = 0;
        std::fclose(file);
        return user + system;
    }
};

TEST_F(daemon_share_bounds, an_intruder_gets_no_port_and_no_token) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root: there is nobody else to be";
    create(transport::udp, 4);
    auto share = open(token_);
    const auto port = share.take();
    std::filesystem::permissions(directory_, std::filesystem::perms(0755));
    std::filesystem::permissions(directory_.parent_path(), std::filesystem::perms(0755));
    const auto intrude = [&] {
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setgroups(0, nullptr) != 0 || ::setresgid(54321, 54321, 54321) != 0 ||
                ::setresuid(54321, 54321, 54321) != 0) {
                ::_exit(99);
            }
            failure f;
            const auto own = open_persistent(token_, f, here());  // it even knows the token
            if (f.code != errc::permission_denied || own) ::_exit(1);
            if (lookup_persistent(block_, protocol_, f, at())) ::_exit(2);
            error_code ec;
            const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
            ::setenv("BERTH_SOCKET", socket().c_str(), 1);
            associate(fd, token_, ec);
            if (ec != errc::permission_denied) ::_exit(6);
            for (std::uint32_t i = 0; i < block_.count; ++i) {
                if (can_bind(protocol_, static_cast<std::uint16_t>(block_.first + i))) ::_exit(3);
            }
            descriptor c;
            if (platform::connect_local(socket(), 1000ms, c) != 0) ::_exit(0);
            for (int i = 0; i < 3; ++i) send(c, fetch_request(1));
            for (int i = 0; i < 3; ++i) {
                const auto said = receive(c);
                if (!said.sockets.empty()) ::_exit(4);
                const auto answer = detail::parse_answer(said.bytes);
                if (answer && (answer->error != errc::permission_denied || answer->token)) ::_exit(5);
            }
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    };
    EXPECT_EQ(intrude(), 0) << "the socket's mode";
    ASSERT_EQ(::chmod(socket().c_str(), 0666), 0);
    EXPECT_EQ(intrude(), 0) << "the daemon itself";
    EXPECT_EQ(listed().consumers, 1u);
}

class with_a_limit : public daemon_share_bounds {
protected:
    [[nodiscard]] std::vector<std::string> daemon_options() const override {
        return {"--rest", "0", "--most-ports", "10"};
    }
};

TEST_F(with_a_limit, nobody_has_more_ports_than_the_administrator_says) {
    create(transport::udp, 40);
    auto a = open(token_), b = open(token_);
    const auto of_a = take_all(a), of_b = take_all(b);
    EXPECT_EQ(of_a.size(), 10u);
    EXPECT_EQ(of_b.size(), 10u);
    EXPECT_NE(last_refusal(a).what.find("has 10 ports, and none may have more"), std::string::npos)
        << last_refusal(a).what;
    EXPECT_EQ(last_refusal(a).code, errc::block_exhausted);
}

TEST_F(daemon_share_bounds, a_greedy_one_leaves_something_for_each) {
    create(transport::udp, 60);
    auto poor = open(token_), other = open(token_);
    const auto greedy = rude_consumer();
    std::vector<descriptor> loot;
    for (int i = 0; i < 300; ++i) {
        ASSERT_EQ(send(greedy, fetch_request(253)), 0);
        auto got = receive(greedy);
        ASSERT_FALSE(got.bytes.empty()) << "asking much is no crime";
        for (auto& s : got.sockets) loot.push_back(std::move(s));
    }
    EXPECT_EQ(loot.size(), 58u);
    EXPECT_TRUE(poor.take());
    EXPECT_TRUE(other.take());
}

TEST_F(daemon_share_bounds, nonsense_ends_the_service_but_not_the_ports) {
    create(transport::udp, 30);
    auto share = open(token_, 4);
    auto port = share.take();
    std::mt19937_64 random(std::random_device{}());
    for (int i = 0; i < 60; ++i) {
        auto bad = rude_consumer();
        ASSERT_EQ(send(bad, fetch_request(2)), 0);
        const auto got = receive(bad);
        ASSERT_FALSE(got.sockets.empty());
        std::vector<std::byte> bytes(1 + random() % 500);
        switch (i % 6) {
            case 0:
                for (auto& b : bytes) b = static_cast<std::byte>(random());
                send(bad, bytes);
                break;
            case 1:
                send(bad, detail::encode(service_request{.kind = request_kind::status}));
                break;
            case 2:
                send(bad, detail::encode(share_message{.verb = share_verb::restarted, .epoch = 1}));
                break;
            case 3:
                send(bad, detail::encode(share_message{.verb = share_verb::holding, .held = {true, false}}));
                break;
            case 4: {
                const int fd = bad.get();
                if (send(bad, fetch_request(1), std::span(&fd, 1)) == EPERM)
                    send(bad, bytes);  // the kernel refuses it
                break;
            }
            default:
                send(bad, std::vector<std::byte>(detail::most_share_message + 1));
                break;
        }
        const auto out = ports_out();
        send(bad, fetch_request(4));  // nobody listens any more
        send(bad, detail::encode(share_message{.verb = share_verb::holding, .held = std::vector<bool>(30)}));
        EXPECT_EQ(ports_out(), out) << "its sockets are with it";
        EXPECT_GE(out, 1u + got.sockets.size());
        bad = {};
        ASSERT_TRUE(comes_true([&] { return listed().consumers == 1; })) << i;
        port = {};
        port = share.take();
        ASSERT_TRUE(port);
    }
    failure f;
    EXPECT_EQ(persistent_status(f, at()).refused, 60u);
    port = {};
    share.release();
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; }));
    auto next = open(token_);
    EXPECT_EQ(take_all(next).size(), 30u);
}

TEST_F(daemon_share_bounds, giving_back_what_one_has_not_changes_nothing) {
    create(transport::udp, 12);
    auto share = open(token_);
    const auto all = take_all(share);
    ASSERT_EQ(all.size(), 12u);
    const auto liar = rude_consumer();
    share_message lie{.verb = share_verb::give_back};
    for (std::uint32_t i = 0; i < 12; ++i) lie.ports.push_back(static_cast<std::uint16_t>(block_.first + i));
    ASSERT_EQ(send(liar, detail::encode(lie)), 0);
    lie.verb = share_verb::spoilt;
    ASSERT_EQ(send(liar, detail::encode(lie)), 0);
    ASSERT_EQ(
        send(liar, detail::encode(share_message{.verb = share_verb::holding, .held = std::vector<bool>(12, true)})),
        0);
    ASSERT_EQ(send(liar, fetch_request(12)), 0);
    EXPECT_TRUE(receive(liar).sockets.empty());
    EXPECT_EQ(ports_out(), 12u);
}

TEST_F(daemon_share_bounds, who_does_not_read_is_let_go_of_and_nobody_waits_for_him) {
    create(transport::udp, 200);
    auto share = open(token_, 2);
    const auto deaf = rude_consumer();
    int sent = 0;
    while (sent < 100'000 && send(deaf, fetch_request(1)) == 0) ++sent;
    const auto began = std::chrono::steady_clock::now();
    const auto port = share.take();
    EXPECT_TRUE(port);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
    EXPECT_TRUE(answers());
}

TEST_F(daemon_share_bounds, one_user_cannot_have_all_consumers) {
    create(transport::udp, 4);
    std::vector<descriptor> crowd;
    for (int i = 0; i < 384; ++i) {
        crowd.push_back(rude_consumer());
        ASSERT_EQ(listed().consumers, crowd.size());
    }
    failure f;
    const auto none = open_persistent(token_, f, here());
    EXPECT_EQ(f.code, errc::service_unavailable);
    EXPECT_NE(f.what.find("no user may have more"), std::string::npos) << f.what;
    crowd.pop_back();
    EXPECT_TRUE(comes_true([&] { return listed().consumers == 383; }));
    EXPECT_TRUE(open(token_).take());
}

TEST_F(daemon_share_bounds, a_flood_of_fetches_takes_nobody_down) {
    create(transport::udp, 50);
    auto share = open(token_, 4);
    std::vector<descriptor> floods;
    for (int i = 0; i < 20; ++i) floods.push_back(rude_consumer());
    std::chrono::nanoseconds longest{0};
    std::mt19937_64 random(std::random_device{}());
    std::vector<descriptor> loot;
    for (int round = 0; round < 100; ++round) {
        for (const auto& f : floods) {
            for (int i = 0; i < 20; ++i) {
                auto request = fetch_request(1 + static_cast<std::uint32_t>(random() % 253));
                send(f, request);
            }
            platform::descriptor none;
            for (auto got = received{}; ::recv(f.get(), nullptr, 0, MSG_DONTWAIT | MSG_PEEK) >= 0;) {
                got = receive(f);
                if (got.bytes.empty()) break;
                for (auto& s : got.sockets) loot.push_back(std::move(s));
            }
        }
        const auto began = std::chrono::steady_clock::now();
        ASSERT_TRUE(answers());
        longest = std::max<std::chrono::nanoseconds>(longest, std::chrono::steady_clock::now() - began);
    }
    EXPECT_LT(longest, 1s) << std::chrono::duration_cast<std::chrono::milliseconds>(longest).count() << " ms";
    EXPECT_LE(loot.size(), 50u);
    floods.clear(), loot.clear();
    EXPECT_TRUE(comes_true([&] { return listed().consumers == 1; }));
    EXPECT_EQ(take_all(share).size(), 50u);
    const auto before = processor_ticks(daemon_);
    std::this_thread::sleep_for(300ms);
    EXPECT_LE(processor_ticks(daemon_) - before, 3u) << "it does not spin";
}

TEST_F(daemon_share_bounds, without_descriptors_nothing_is_lost) {
    create(transport::udp, 100);
    auto share = open(token_, 32);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const int probe = ::dup(0);
    ::close(probe);
    rlimit small = before;
    small.rlim_cur = static_cast<rlim_t>(probe) + 8;
    ::setrlimit(RLIMIT_NOFILE, &small);
    error_code ec;
    auto none = share.take(ec);
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(ec, errc::too_many_files) << ec.message();
    EXPECT_TRUE(comes_true([&] { return ports_out() == 0; })) << ports_out();
    none = share.take(ec);
    EXPECT_FALSE(ec) << ec.message();
    const auto all = take_all(share);
    EXPECT_EQ(all.size(), 99u);
}

class with_one_port_each : public daemon_share_bounds {
protected:
    [[nodiscard]] std::vector<std::string> daemon_options() const override {
        return {"--rest", "0", "--most-ports", "1"};
    }
};

TEST_F(with_one_port_each, a_pair_is_refused_with_the_reason) {
    create(transport::udp, 8);
    auto share = open(token_, 8);
    error_code ec;
    static_cast<void>(share.take_pair(ec));
    EXPECT_EQ(ec, errc::block_exhausted);
    EXPECT_NE(last_refusal(share).what.find("a pair is two"), std::string::npos) << last_refusal(share).what;
    EXPECT_EQ(ports_out(), 0u);
    EXPECT_TRUE(share.take(ec)) << ec.message();
}

}  // namespace
}  // namespace berth::test
