// Every call of the Windows provider fails once: a reserve leaves nothing half-held, and a port in use is never lost.
#include "conformance/windows/documents_system.hpp"
#include "conformance/windows/failing_windows_calls.hpp"
#include "conformance/windows/winsock_traffic.hpp"
#include "platform/windows/windows_provider.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace provider_contract {
namespace {

using berth::failure;
using berth::platform::held_block;
using berth::platform::hold_request;
using berth::platform::port_kind;
using berth::platform::renewal;
using berth::platform::windows_provider;

struct fault_case {
    const char* name;
    port_kind kind;
    bool is_native, completes_later;
    bool comes_by_port = false;
};
void PrintTo(const fault_case& c, std::ostream* out) { *out << c.name; }

constexpr std::uint32_t ports = 3, most_calls = 2000;
constexpr int errors[] = {WSAENOBUFS, WSAEMFILE, WSAENETDOWN};

class windows_faults : public testing::TestWithParam<fault_case> {
protected:
    windows_faults() : calls(GetParam().is_native ? static_cast<windows_calls&>(system) : real) {
        system.completes_later = GetParam().completes_later;
    }
    [[nodiscard]] int type() const { return GetParam().kind == port_kind::udp ? SOCK_DGRAM : SOCK_STREAM; }
    bool is_free(std::uint16_t port) {
        machine.sweep();
        const auto s = make_winsock_socket(AF_INET6, type());
        const BOOL on = TRUE;
        ::setsockopt(*s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, reinterpret_cast<const char*>(&on), sizeof on);
        return bind_to(*s, AF_INET6, false, port) == 0;
    }
    std::uint16_t free_block() {
        static std::mt19937 random(std::random_device{}());
        for (;;) {
            const auto first = static_cast<std::uint16_t>(20000 + random() % 10000);
            if (is_free(first) && is_free(static_cast<std::uint16_t>(first + 1)) &&
                is_free(static_cast<std::uint16_t>(first + 2))) {
                return first;
            }
        }
    }
    std::unique_ptr<held_block> reserve(windows_provider& provider, std::uint16_t first, failure& f) {
        const hold_request request{.kind = GetParam().kind,
                                   .block = {first, ports},
                                   .family = berth::address_family::ipv4,
                                   .waker = GetParam().comes_by_port ? &nobody : nullptr};
        auto block = provider.prepare(request, f);
        while (block && !f && block->held() < ports) {
            block->hold(ports, f);
            if (request.waker != nullptr) system.finish();
        }
        if (block && !f) block->seal(f);
        return block;
    }

    struct : berth::detail::waker {
        void wake() noexcept override {}
    } nobody;
    documents::documents_machine machine;
    documents::documents_system system{machine};
    berth::platform::winsock_calls& real =
        static_cast<berth::platform::winsock_calls&>(berth::platform::real_windows_calls());
    failing_windows_calls calls;
};

TEST_P(windows_faults, a_reserve_that_fails_leaves_nothing_half_held) {
    std::uint32_t n = 0;
    std::set<std::string> verbs;
    for (; n < most_calls; ++n) {
        const auto first = free_block();
        {
            windows_provider provider(calls);
            failure f;
            calls.fail(n, errors[n % std::size(errors)]);
            auto block = reserve(provider, first, f);
            const bool reached = !calls.failed().empty();
            calls.fail_no_more();
            verbs.insert(calls.failed());
            SCOPED_TRACE("call " + std::to_string(n) + ", " + calls.failed());
            EXPECT_TRUE(f || block->held() == ports);
            EXPECT_TRUE(!f || !f.what.empty());
            if (!reached) {
                EXPECT_FALSE(f) << f.what;
            }
            if (!f) {
                for (std::uint32_t i = 0; i < ports; ++i)
                    EXPECT_FALSE(is_free(static_cast<std::uint16_t>(first + i)));
            }
            block.reset();
            if (!reached) break;
            for (std::uint32_t i = 0; i < ports; ++i)
                EXPECT_TRUE(is_free(static_cast<std::uint16_t>(first + i))) << i;
            EXPECT_EQ(machine.reservations(), 0u);
        }
        ASSERT_EQ(calls.open_things(), 0u) << "after call " << n << ", " << calls.failed();
    }
    EXPECT_GT(n, 10u);
    EXPECT_LT(n, most_calls);
    for (const char* verb : {"socket", "bind", "set_blocking", "read_table"})
        EXPECT_EQ(verbs.count(verb), 1u) << verb;
    if (GetParam().is_native || type() == SOCK_DGRAM) {
        EXPECT_EQ(verbs.count("ioctl"), 1u);
    }
    EXPECT_EQ(verbs.count("make_completion_port"), 1u);
    EXPECT_EQ(verbs.count("duplicate"), GetParam().is_native ? 0u : 1u);
}

// Whatever fails while a port is taken and given back: it can be used, or is condemned and then renewed.
TEST_P(windows_faults, a_port_whose_calls_fail_is_never_lost) {
    windows_provider provider(calls);
    failure f;
    const auto first = free_block();
    auto block = reserve(provider, first, f);
    ASSERT_FALSE(f) << f.what;
    winsock_traffic traffic(GetParam().kind, berth::address_family::ipv4);
    for (const bool lent : {false, true}) {
        bool reached = true;
        for (std::uint32_t n = 0; reached && n < most_calls; ++n) {
            std::uint32_t discarded = 0;
            calls.fail(n, errors[n % std::size(errors)]);
            const bool opened = !block->open(1, discarded);
            bool condemned = !opened;
            if (opened) condemned = block->park(1, lent).condemned;
            reached = !calls.failed().empty();
            calls.fail_no_more();
            SCOPED_TRACE("call " + std::to_string(n) + ", " + calls.failed() + (lent ? ", lent" : ""));
            if (condemned) {
                EXPECT_TRUE(reached) << "for no reason";
                ASSERT_EQ(block->renew(1), renewal::renewed);
            }
            ASSERT_FALSE(block->open(1, discarded));
            EXPECT_EQ(traffic.hears(static_cast<SOCKET>(block->session(1)), static_cast<std::uint16_t>(first + 1)),
                      "");
            EXPECT_FALSE(block->park(1, false).condemned);
            for (std::uint32_t i = 0; i < ports; ++i)
                EXPECT_FALSE(is_free(static_cast<std::uint16_t>(first + i))) << i;
        }
    }
    block.reset();
    EXPECT_LE(calls.open_things(), GetParam().comes_by_port ? 1u : 0u) << "the provider keeps its completion port";
}

// A caller's socket is bound or is not, and the port comes back either way.
TEST_P(windows_faults, a_hand_over_that_fails_gives_the_port_back) {
    windows_provider provider(calls);
    failure f;
    const auto first = free_block();
    auto block = reserve(provider, first, f);
    ASSERT_FALSE(f) << f.what;
    bool reached = true;
    for (std::uint32_t n = 0; reached && n < most_calls; ++n) {
        std::uint32_t discarded = 0;
        ASSERT_FALSE(block->open(1, discarded));
        auto callers = make_winsock_socket(AF_INET, type());
        calls.fail(n, errors[n % std::size(errors)]);
        block->hand_over(1, static_cast<native_socket>(*callers), f);
        reached = !calls.failed().empty();
        calls.fail_no_more();
        SCOPED_TRACE("call " + std::to_string(n) + ", " + calls.failed());
        EXPECT_TRUE(!f || (reached && !f.what.empty())) << f.what;
        if (!f) {
            EXPECT_EQ(local_port(*callers), first + 1);
        }
        callers = winsock_socket();
        if (block->park(1, true).condemned) {
            ASSERT_EQ(block->renew(1), renewal::renewed);
        }
        for (std::uint32_t i = 0; i < ports; ++i) EXPECT_FALSE(is_free(static_cast<std::uint16_t>(first + i))) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(, windows_faults,
                         testing::Values(fault_case{"exclusive_udp", port_kind::udp, false, false},
                                         fault_case{"exclusive_tcp_listen", port_kind::tcp_listen, false, false},
                                         fault_case{"exclusive_tcp_connect", port_kind::tcp_connect, false, false},
                                         fault_case{"documents_udp", port_kind::udp, true, false},
                                         fault_case{"documents_later_udp", port_kind::udp, true, true},
                                         fault_case{"documents_by_port_udp", port_kind::udp, true, true, true},
                                         fault_case{"documents_tcp_listen", port_kind::tcp_listen, true, false},
                                         fault_case{"documents_tcp_connect", port_kind::tcp_connect, true, false}),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

}  // namespace
}  // namespace provider_contract
