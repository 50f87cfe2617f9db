// Descriptors run out, and every other system call fails once: reserve holds all or nothing and says why.
//
// Before and after each attempt the descriptors of this process are counted, and the oracle is asked for sockets on
// the ports: after a failure both are as before. Of the thousands of attempts the oracle sees one in sixteen: it
// reads the kernel's whole tables.
#include "failing_ground.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <iostream>
#include <map>

namespace berth::test {
namespace {

class limited_descriptors {
public:
    explicit limited_descriptors(std::uint64_t soft) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit now{soft, before_.rlim_max};
        if (::setrlimit(RLIMIT_NOFILE, &now) != 0) throw std::system_error(errno, std::generic_category(), "rlimit");
    }
    limited_descriptors(const limited_descriptors&) = delete;
    limited_descriptors& operator=(const limited_descriptors&) = delete;
    ~limited_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

class descriptors_run_out : public testing::TestWithParam<way> {};

TEST_P(descriptors_run_out, are_counted_before_the_first_bind) {
    const auto block = free_block(200);
    const auto before = descriptors_now();
    const limited_descriptors limit(200);
    failure f;
    const auto r = port_reservation::reserve(request_for(GetParam(), block), f);
    EXPECT_FALSE(r);
    EXPECT_EQ(f.code, errc::too_many_files);
    EXPECT_TRUE(f.code == std::errc::too_many_files_open);
    for (const char* word : {"RLIMIT_NOFILE", "200", "ulimit -n"}) {
        EXPECT_NE(f.what.find(word), std::string::npos) << word << " is missing in: " << f.what;
    }
    EXPECT_EQ(descriptors_now(), before);
    EXPECT_EQ(sockets_of_both(block), 0U);
}

// The early check passed, and then other threads opened files: the limit is met at every possible descriptor.
TEST_P(descriptors_run_out, in_the_middle_and_nothing_is_half_held) {
    const auto block = free_block(4);
    failing_calls os;
    os.deceives_early_check = true;
    platform::linux_provider provider(os);
    const auto before = descriptors_now();
    std::uint64_t refused = 0;
    for (std::uint64_t room = 0;; ++room) {
        ASSERT_LT(room, 100U) << "it never succeeds";
        failure f;
        core_pointer core;
        {
            const limited_descriptors limit(before - 3 + room);  // opendir's own, "." and ".."
            core = detail::reservation_core::make(provider, request_for(GetParam(), block), f);
        }
        if (core) {
            core->release(f, if_taken::refuse);
            EXPECT_FALSE(f);
            core.reset();
            EXPECT_EQ(descriptors_now(), before);
            break;
        }
        ++refused;
        EXPECT_EQ(f.code, errc::too_many_files) << room << ": " << f.what;
        for (const char* word : {"RLIMIT_NOFILE", "ulimit -n"}) {
            EXPECT_NE(f.what.find(word), std::string::npos) << word << " is missing in: " << f.what;
        }
        ASSERT_EQ(descriptors_now(), before) << room;
        ASSERT_EQ(sockets_of_both(block), 0U) << room;
    }
    EXPECT_GE(refused, 8U) << "four ports take eight descriptors";
}

TEST_P(descriptors_run_out, a_wildcard_block_is_refused_with_the_same_words) {
    failing_calls os;
    os.deceives_early_check = true;
    platform::linux_provider provider(os);
    const auto before = descriptors_now();
    failure f;
    core_pointer core;
    {
        const limited_descriptors limit(before + 5);
        core = detail::reservation_core::make(provider, request_for(GetParam(), {0, 16}), f);
    }
    EXPECT_EQ(core, nullptr);
    EXPECT_EQ(f.code, errc::too_many_files) << f.what;
    EXPECT_NE(f.what.find("RLIMIT_NOFILE"), std::string::npos) << f.what;
    EXPECT_EQ(descriptors_now(), before);
}

bool asks_oracle(std::uint32_t n) { return n % 16 == 15; }

class every_call_fails : public testing::TestWithParam<way> {};

TEST_P(every_call_fails, and_reserve_holds_all_or_nothing) {
    const auto block = free_block(2);
    failing_calls os;
    platform::linux_provider provider(os);
    const auto before = descriptors_now();
    std::uint64_t attempts = 0, endured = 0;
    for (const int error : {EMFILE, ENOMEM, EPERM, EADDRINUSE, EINVAL}) {
        for (std::uint32_t n = 0;; ++n) {
            ASSERT_LT(n, 5000U) << "it never gets through";
            failure f;
            os.fail(n, error);
            auto core = detail::reservation_core::make(provider, request_for(GetParam(), block), f);
            os.fail_no_more();
            const std::string where =
                os.failed() + " was call " + std::to_string(n) + ", errno " + std::to_string(error) + ": " + f.what;
            ++attempts;
            if (core) {
                EXPECT_FALSE(f) << where;
                endured += !os.failed().empty();
                EXPECT_NE(core->network(), 0U) << "associate would take every socket for a foreign one: " << where;
                if (asks_oracle(n)) {
                    ASSERT_GE(sockets_of_both(block), 4U) << "held only by half: " << where;
                }
                failure released;
                core->release(released, if_taken::refuse);
                core.reset();
            } else {
                EXPECT_TRUE(f) << where;
                EXPECT_FALSE(f.what.empty()) << where;
                EXPECT_FALSE(os.failed().empty()) << "failed without a reason: " << where;
                if (os.failed() == "socket" && error == EMFILE) {
                    EXPECT_EQ(f.code, errc::too_many_files) << where;
                    EXPECT_NE(f.what.find("RLIMIT_NOFILE"), std::string::npos) << where;
                }
                if (os.failed() == "socket" && error == ENOMEM) {
                    EXPECT_EQ(f.code, errc::no_memory) << where;
                }
            }
            ASSERT_EQ(descriptors_now(), before) << where;
            if (asks_oracle(n)) {
                ASSERT_EQ(sockets_of_both(block), 0U) << where;
            }
            if (os.failed().empty()) break;
        }
    }
    std::cout << attempts << " attempts, " << endured << " of them endured the failure\n";
}

/// After a failure of whatever call: the books are whole, and once calls succeed again so is the block.
void expect_whole(detail::reservation_core& core, const way& w, bool with_oracle, const std::string& where) {
    const auto s = core.statistics().ports;
    EXPECT_EQ(s.total(), 2U) << where;
    core.reclaim();
    EXPECT_EQ(core.statistics().ports.available, 2U) << where;
    auto* const lane = core.only_lane();
    std::vector<bound_port> all;
    error_code ec;
    for (int i = 0; i < 2; ++i) {
        all.push_back(lane->take(ec));
        ASSERT_FALSE(ec) << where << ": " << ec.message();
        const auto kind = w.protocol == transport::udp ? oracle_protocol::udp : oracle_protocol::tcp;
        if (with_oracle) {
            EXPECT_EQ(sockets_on(kind, all.back().port()).size(), 2U) << where;
        }
        if (w.protocol != transport::udp) continue;
        const int sender = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET, to.sin_port = htons(all.back().port()), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::sendto(sender, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
        char got[8];
        EXPECT_EQ(::recv(all.back().io_handle(), got, sizeof got, MSG_DONTWAIT), 1) << "deaf: " << where;
        ::close(sender);
    }
}

enum class act { take, give_back, give_back_lent, bind_callers, renew };

// Each act, its n-th call failing: no port is lost, no descriptor is, and no error is answered by silence.
void fail_each_call_of(act what, const way& w) {
    const auto block = free_block(2);
    failing_calls os;
    platform::linux_provider provider(os);
    const auto before = descriptors_now();
    std::map<std::string, int> failed;
    for (const int error : {EMFILE, ENOMEM, EPERM}) {
        for (std::uint32_t n = 0;; ++n) {
            ASSERT_LT(n, 2000U) << "it never gets through";
            failure f;
            auto core = detail::reservation_core::make(provider, request_for(w, block), f);
            ASSERT_TRUE(core) << f.what;
            auto* const lane = core->only_lane();
            error_code ec;
            bound_port port;
            if (what != act::take && what != act::bind_callers) port = lane->take(ec);
            ASSERT_FALSE(ec) << ec.message();
            if (what == act::give_back_lent || what == act::renew) static_cast<void>(port.native_handle());
            if (what == act::renew) {
                ::shutdown(port.io_handle(), SHUT_RDWR);
                const int one = 1;  // and a lock that no audit undoes
                ::setsockopt(port.io_handle(), SOL_SOCKET, 44 /* SO_LOCK_FILTER */, &one, sizeof one);
                port.give_back(ec);
                ASSERT_EQ(core->statistics().ports.condemned, 1U);
            }
            int callers = -1;
            if (what == act::bind_callers) {
                const int family = w.family == address_family::ipv4 ? AF_INET : AF_INET6;
                callers =
                    ::socket(family, (w.protocol == transport::udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
            }
            std::uint32_t index = 0;
            std::uint64_t cookie = 0;
            os.fail(n, error);
            switch (what) {
                case act::take:
                    port = lane->take(ec);
                    break;
                case act::give_back:
                case act::give_back_lent:
                    port.give_back(ec);
                    break;
                case act::bind_callers:
                    lane->bind_callers(callers, 0, index, cookie, f);
                    break;
                case act::renew:
                    core->reclaim();
                    break;
            }
            os.fail_no_more();
            const std::string where =
                os.failed() + " was call " + std::to_string(n) + ", errno " + std::to_string(error);
            ++failed[os.failed()];
            if (what == act::take) {
                EXPECT_EQ(static_cast<bool>(port), !ec) << where;
            }
            if (what == act::bind_callers && f) {
                EXPECT_FALSE(f.what.empty()) << where;
            }
            port.give_back(ec);
            if (callers != -1) ::close(callers);
            expect_whole(*core, w, asks_oracle(n), where);
            core->release(f, if_taken::refuse);
            EXPECT_FALSE(f) << where << f.what;
            core.reset();
            ASSERT_EQ(descriptors_now(), before) << where;
            if (asks_oracle(n)) {
                ASSERT_EQ(sockets_of_both(block), 0U) << where;
            }
            if (os.failed().empty() || testing::Test::HasFailure()) break;
        }
    }
    for (const auto& [verb, times] : failed) {
        if (!verb.empty()) std::cout << verb << " " << times << "x ";
    }
    std::cout << "\n";
}

class every_call_of_an_act_fails : public testing::TestWithParam<way> {};

TEST_P(every_call_of_an_act_fails, take) { fail_each_call_of(act::take, GetParam()); }
TEST_P(every_call_of_an_act_fails, give_back) { fail_each_call_of(act::give_back, GetParam()); }
TEST_P(every_call_of_an_act_fails, give_back_lent) { fail_each_call_of(act::give_back_lent, GetParam()); }
TEST_P(every_call_of_an_act_fails, bind_callers) { fail_each_call_of(act::bind_callers, GetParam()); }
TEST_P(every_call_of_an_act_fails, renew) { fail_each_call_of(act::renew, GetParam()); }

const auto name_it = testing::PrintToStringParamName();
INSTANTIATE_TEST_SUITE_P(of, descriptors_run_out, testing::ValuesIn(all_ways()), name_it);
INSTANTIATE_TEST_SUITE_P(of, every_call_fails, testing::ValuesIn(all_ways()), name_it);
INSTANTIATE_TEST_SUITE_P(of, every_call_of_an_act_fails, testing::ValuesIn(all_ways().begin(), all_ways().end() - 1),
                         name_it);

}  // namespace
}  // namespace berth::test
