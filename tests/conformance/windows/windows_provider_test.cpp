// What the Windows provider says of itself, and what only Windows asks of one: which way of holding runs and why,
// acquires that take their time, completion ports, sockets whose numbers are given out again.
#include "platform/windows/windows_provider.hpp"
#include "conformance/windows/documents_system.hpp"
#include "conformance/windows/winsock_traffic.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace provider_contract {
namespace {

using berth::address_family;
using berth::errc;
using berth::error_code;
using berth::failure;
using berth::hold_method;
using berth::park_method;
using berth::platform::completion_exit;
using berth::platform::hold_request;
using berth::platform::native_socket;
using berth::platform::port_kind;
using berth::platform::socket_facts;
using berth::platform::windows_provider;

bool any_says(const std::vector<std::string>& sentences, const std::string& words) {
    for (const auto& s : sentences) {
        if (s.find(words) != std::string::npos) return true;
    }
    return false;
}

class windows_facts : public testing::Test {
protected:
    documents::documents_machine machine;
    documents::documents_system system{machine};
};

TEST_F(windows_facts, a_system_that_grants_reservations_is_used) {
    windows_provider provider(system);
    const auto facts = provider.facts(berth::parking::best);
    EXPECT_EQ(facts.provider, "windows (port reservations)");
    EXPECT_EQ(facts.hold_udp, hold_method::runtime_reservation);
    EXPECT_EQ(facts.hold_tcp, hold_method::runtime_reservation);
    EXPECT_EQ(facts.park_udp, park_method::emptied);
    EXPECT_TRUE(any_says(facts.limits, "when all of the block is"));
    EXPECT_EQ(machine.reservations(), 0u) << "asking leaves nothing behind";
}

TEST_F(windows_facts, an_older_build_is_told_and_not_trusted) {
    system.build_number = 17762;
    windows_provider provider(system);
    const auto facts = provider.facts(berth::parking::best);
    EXPECT_EQ(facts.provider, "windows (exclusive binds)");
    EXPECT_EQ(facts.hold_tcp, hold_method::exclusive_bind);
    EXPECT_TRUE(any_says(facts.limits, "17762")) << "why";
    EXPECT_TRUE(any_says(facts.limits, "is free for as long as a close and a bind take")) << "what that costs";
}

TEST_F(windows_facts, a_system_without_reservations_is_told_by_its_error) {
    system.is_supported = false;
    windows_provider provider(system);
    const auto facts = provider.facts(berth::parking::best);
    EXPECT_EQ(facts.provider, "windows (exclusive binds)");
    EXPECT_TRUE(any_says(facts.limits, "WSAEOPNOTSUPP"));
}

TEST_F(windows_facts, a_network_that_is_down_now_settles_nothing) {
    windows_provider provider(system);
    const hold_request request{.kind = port_kind::udp, .block = {30000, 1}};
    failure f;
    system.next_error = WSAENETDOWN;
    EXPECT_EQ(provider.prepare(request, f), nullptr);
    EXPECT_NE(f.what.find("WSAENETDOWN"), std::string::npos) << f.what;
    EXPECT_NE(provider.prepare(request, f), nullptr) << "another time it is";
    EXPECT_EQ(provider.facts(berth::parking::best).provider, "windows (port reservations)");
}

TEST_F(windows_facts, an_acquire_that_takes_its_time_holds_nobody_up_and_can_be_given_up) {
    windows_provider provider(system);
    provider.facts(berth::parking::best);
    system.completes_later = true;
    system.ends_at_second_look = false;
    failure f;
    struct final_waker final : berth::detail::waker {
        void wake() noexcept override { ++wakes; }
        std::atomic<int> wakes = 0;
    } waker;
    const hold_request request{.kind = port_kind::udp, .block = {31000, 4}, .waker = &waker};
    auto block = provider.prepare(request, f);
    ASSERT_NE(block, nullptr) << f.what;
    EXPECT_FALSE(block->is_waiting());
    for (int i = 0; i < 3; ++i) block->hold(4, f);
    EXPECT_FALSE(f);
    EXPECT_TRUE(block->is_waiting());
    EXPECT_EQ(waker.wakes, 0);
    EXPECT_EQ(block->held(), 0u);
    EXPECT_EQ(system.pending(), 1u);
    block.reset();
    EXPECT_EQ(system.pending(), 0u) << "aborted";
    EXPECT_EQ(waker.wakes, 1) << "before the block's end returns";
    EXPECT_EQ(machine.reservations(), 0u);
}

TEST(windows_completion, a_socket_that_was_on_a_port_serves_the_next_session_only_off_it) {
    auto& os = berth::platform::real_windows_calls();
    const auto leaving = completion_exit::find(os);
    windows_provider provider(os);
    HANDLE port = nullptr;
    ASSERT_EQ(os.make_completion_port(port), 0);
    const std::shared_ptr<void> closes(port, ::CloseHandle);
    for (const auto kind : {port_kind::udp, port_kind::tcp_listen, port_kind::tcp_connect}) {
        berth::platform::port_map map;
        provider.survey(kind, map);
        std::uint16_t first = 20000;
        while (map.used[first]) ++first;
        failure f;
        auto block = provider.prepare({.kind = kind, .block = {first, 1}, .family = address_family::dual}, f);
        ASSERT_NE(block, nullptr) << f.what;
        while (block->held() == 0 && !f) block->hold(1, f);
        block->seal(f);
        ASSERT_FALSE(f) << f.what;
        for (const bool lent : {false, true}) {
            std::uint32_t discarded = 0;
            ASSERT_FALSE(block->open(0, discarded));
            const auto cookie = block->cookie(0);
            ASSERT_NE(::CreateIoCompletionPort(berth::platform::handle_of(block->session(0)), port, 1, 0), nullptr);
            EXPECT_FALSE(block->park(0, lent).condemned);
            if (!leaving.can_leave) {
                EXPECT_NE(block->cookie(0), cookie) << "replaced";
            }
            EXPECT_TRUE(leaving.take_off(os, block->session(0)));
            ASSERT_NE(::CreateIoCompletionPort(berth::platform::handle_of(block->session(0)), port, 2, 0), nullptr)
                << "another can be had";
            ASSERT_FALSE(block->park(0, true).condemned);
        }
    }
}

TEST(windows_completion, how_a_system_answers_is_tried_and_not_guessed) {
    class answering final : public berth::platform::winsock_calls {
    public:
        int set_completion(native_socket, HANDLE port, bool replaces) noexcept override {
            if (replaces) return can_replace ? 0 : -0x40000002;
            const bool is_real = port != reinterpret_cast<HANDLE>(std::intptr_t{0x7ffffff0});
            const int refusal = attached && tells ? -0x4000000d : is_real ? 0 : -0x40000008;
            attached = attached || (is_real && refusal == 0);
            return refusal;
        }
        bool can_replace = false, tells = false, attached = false;
    };
    berth::platform::real_windows_calls();
    for (const bool can_replace : {false, true}) {
        for (const bool tells : {false, true}) {
            answering os;
            os.can_replace = can_replace, os.tells = tells;
            const auto found = completion_exit::find(os);
            EXPECT_EQ(found.can_leave, can_replace);
            EXPECT_EQ(found.can_tell, tells);
            os.attached = true;
            EXPECT_EQ(found.take_off(os, 1), can_replace);
            os.attached = false;
            EXPECT_EQ(found.take_off(os, 1), can_replace || tells) << "in doubt it is on one";
        }
    }
}

TEST(windows_sockets, a_number_that_is_given_out_again_is_another_socket) {
    windows_provider provider(berth::platform::real_windows_calls());
    auto first = make_winsock_socket(AF_INET, SOCK_DGRAM);
    socket_facts before, after;
    ASSERT_FALSE(provider.inspect(static_cast<native_socket>(*first), before));
    const SOCKET number = *first;
    first = winsock_socket();
    std::vector<winsock_socket> others;
    for (int i = 0; i < 2000 && (others.empty() || *others.back() != number); ++i) {
        others.push_back(make_winsock_socket(AF_INET, SOCK_DGRAM));
    }
    if (*others.back() != number) GTEST_SKIP() << "the number did not come again";
    ASSERT_FALSE(provider.recognise(static_cast<native_socket>(number), after));
    EXPECT_NE(after.cookie, before.cookie);
    EXPECT_FALSE(provider.is_named(before.cookie, *std::make_unique<native_socket>(-1), -1));
}

}  // namespace
}  // namespace provider_contract
