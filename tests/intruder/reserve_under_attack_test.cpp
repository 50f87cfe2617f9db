// Reserve under attack: intruders are told each number at the instant of its first bind. Whoever gets in and stays is
// noticed: reserve fails and holds nothing. After a reserve that succeeded nobody is inside, and nobody gets in.
//
// 40 reserves of four ports a TCP case and 80 a UDP case: 240 by each order of calls (repair, toggle, tags), and at
// night more than 1,000. Where an intruder can get in for a moment, a case goes on until one was noticed, at most to
// the number of the night. Getting in and leaving before the closing check is allowed (nobody loses by it), provided
// that it opens no door for later: after every success the intruders go on, and repeat above all what worked last.
#include "announcing_calls.hpp"
#include "intruder.hpp"
#include "plain_sockets.hpp"
#include "platform/linux/linux_provider.hpp"
#include "reservation_core.hpp"
#include "support/oracle.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

namespace berth::test {
namespace {

constexpr std::uint32_t ports = 4;
constexpr int most_tcp_reserves = 175, most_udp_reserves = 350;
constexpr int tcp_reserves = 40, udp_reserves = 80;

struct attacked_reserve {
    std::string name;
    transport protocol;
    tcp_use use;
    address_family family;
    announcing_calls::repair repair;
    std::uint16_t sessions = 1;
};
std::ostream& operator<<(std::ostream& out, const attacked_reserve& a) { return out << a.name; }

struct tally {
    int succeeded = 0, noticed = 0, came_and_went = 0;
};

class reserve_under_attack : public testing::TestWithParam<attacked_reserve> {
protected:
    [[nodiscard]] bool is_udp() const { return GetParam().protocol == transport::udp; }
    [[nodiscard]] attacked what() const { return is_udp() ? attacked::udp : attacked::tcp; }
    [[nodiscard]] int most_reserves() const { return is_udp() ? most_udp_reserves : most_tcp_reserves; }
    [[nodiscard]] int least_reserves() const {
        if (std::getenv("BERTH_ALL_RESERVES") != nullptr) return most_reserves();
        return is_udp() ? udp_reserves : tcp_reserves;
    }
    /// Without TCP_REPAIR there is a moment between two calls.
    [[nodiscard]] bool somebody_gets_in() const { return is_udp() || !has_repair(); }
    [[nodiscard]] bool shown_enough(const tally& t) const {
        const int done = t.succeeded + t.noticed;
        return done >= most_reserves() || (done >= least_reserves() && (!somebody_gets_in() || t.noticed > 0));
    }
    [[nodiscard]] bool has_repair() const {
        return GetParam().repair == announcing_calls::repair::permitted && geteuid() == 0;
    }
    /// A holder and a session socket; a listener of one family has its holder split where there is no TCP_REPAIR.
    [[nodiscard]] std::uint32_t sockets_per_port() const {
        const bool split = !is_udp() && GetParam().use == tcp_use::listen && !has_repair() &&
                           GetParam().family != address_family::dual;
        return split ? 3 : 1u + GetParam().sessions;
    }
    [[nodiscard]] oracle_protocol seen_as() const { return is_udp() ? oracle_protocol::udp : oracle_protocol::tcp; }

    [[nodiscard]] reservation_request next_request() const {
        reservation_request r;
        r.protocol = GetParam().protocol, r.use = GetParam().use, r.family = GetParam().family;
        r.sessions_per_port = GetParam().sessions;
        do {
            const int scout = new_socket(AF_INET6, what());
            r.block = {bind_anywhere(scout), ports};
            close(scout);
        } while (!is_free(r.block));
        return r;
    }

    [[nodiscard]] bool is_free(port_block block) const {
        bool free = block.is_valid();
        for (std::uint32_t i = 0; free && i < block.count; ++i) {
            const int scout = new_socket(AF_INET6, what());
            free = bind_port(scout, static_cast<std::uint16_t>(block.first + i));
            close(scout);
        }
        return free;
    }

    [[nodiscard]] bool anybody_inside(const intruder_crew& crew, port_block block) const {
        for (std::uint32_t i = 0; i < block.count; ++i)
            if (crew.inside(static_cast<std::uint16_t>(block.first + i)) != 0) return true;
        return false;
    }

    /// After a reserve that failed. Intruders' connections may still be ending there: those are not ours.
    void expect_nothing_held(port_block block, const failure& f) const {
        EXPECT_TRUE(own_on(seen_as(), block.first, ports).empty()) << "half-held after: " << f.what;
    }

    void reserve_once(intruder_crew& crew, platform::port_provider& provider, tally& t) {
        const reservation_request request = next_request();
        crew.lie_in_wait(request.block.first, request.block.count);
        const std::uint64_t hits_before = crew.hits();
        failure f;
        const auto core = detail::reservation_core::make(provider, request, f);
        if (f) {
            EXPECT_EQ(f.code, errc::block_unavailable) << f.what;
            EXPECT_FALSE(core);
            crew.let_go();
            expect_nothing_held(request.block, f);
            ++t.noticed;
            return;
        }
        crew.promise_begins();
        EXPECT_EQ(own_on(seen_as(), request.block.first, ports).size(), sockets_per_port() * ports);
        const auto strangers = strangers_on(seen_as(), request.block.first, ports);
        EXPECT_TRUE(strangers.empty()) << "unnoticed: " << strangers.front();
        EXPECT_FALSE(anybody_inside(crew, request.block)) << "unnoticed";
        t.came_and_went += crew.hits() != hits_before;
        ++t.succeeded;
        usleep(crew.hits() != hits_before ? 20'000 : 500);
        crew.promise_ends();
        crew.let_go();
        failure released;
        core->release(released, if_taken::refuse);
        EXPECT_FALSE(released) << released.what;
    }
};

TEST_P(reserve_under_attack, succeeds_with_nobody_inside_or_fails_with_nothing_held) {
    intruder_crew crew(what());
    announcing_calls calls(crew, GetParam().repair);
    platform::linux_provider provider(calls);
    tally t;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(120);
    while (!shown_enough(t) && std::chrono::steady_clock::now() < deadline && !HasFailure())
        reserve_once(crew, provider, t);
    const intruder_report r = crew.stop();
    std::cout << t.succeeded << " reserves succeeded, " << t.came_and_went
              << " of them although somebody had been in and left; " << t.noticed << " failed because of intruders; "
              << r;
    EXPECT_GE(t.succeeded + t.noticed, least_reserves());
    EXPECT_GT(t.succeeded, 0);
    EXPECT_EQ(r.broken_promises, 0u);
    if (somebody_gets_in()) {
        EXPECT_GT(t.noticed, 0) << "the attack was too weak to show anything";
    }
    const bool is_outbound = GetParam().use == tcp_use::connect;
    if (!is_udp() && has_repair() && (is_outbound || GetParam().family == address_family::dual)) {
        EXPECT_EQ(r.bound, 0u) << "nobody can be inside at any moment";
    }
}

std::vector<attacked_reserve> kinds() {
    using enum address_family;
    std::vector<attacked_reserve> out;
    for (const auto& [name, family] : {std::pair{"ipv4", ipv4}, {"ipv6", ipv6}, {"dual", dual}}) {
        const std::string of = std::string("_") + name;
        out.push_back({"udp" + of, transport::udp, tcp_use::listen, family, announcing_calls::repair::permitted});
        for (const auto repair : {announcing_calls::repair::permitted, announcing_calls::repair::refused}) {
            const std::string how = of + (repair == announcing_calls::repair::refused ? "_without_repair" : "");
            out.push_back({"listener" + how, transport::tcp, tcp_use::listen, family, repair});
            out.push_back({"outbound" + how, transport::tcp, tcp_use::connect, family, repair});
            if (family == dual) {
                out.push_back({"outbound_of_several" + how, transport::tcp, tcp_use::connect, family, repair, 2});
            }
        }
    }
    return out;
}

INSTANTIATE_TEST_SUITE_P(kind, reserve_under_attack, testing::ValuesIn(kinds()), testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
