// Trap: the kernel compiles a filter when it is attached and frees it later, one work item each.
//
// 10^5 attached and detached in a second, by anybody, can bring BPF to a halt until the next boot (6.18.44: the work
// items wait for a mutex whose owner waits for their queue). So sessions change hands without making or freeing one.
#include "platform/linux/linux_provider.hpp"
#include "reservation_core.hpp"
#include "scenario/trap_ground.hpp"
#include "unit/linux/forwarding_calls.hpp"

namespace {

using namespace traps;
using berth::detail::reservation_core;

class filter_counting_calls final : public forwarding_calls {
public:
    int setsockopt(int fd, int level, int number, const void* v, socklen_t n) noexcept override {
        constexpr int so_attach_bpf = 50;
        const bool filter = number == SO_ATTACH_FILTER || number == SO_DETACH_FILTER || number == so_attach_bpf;
        if (level == SOL_SOCKET && filter) ++filters;
        return forwarding_calls::setsockopt(fd, level, number, v, n);
    }
    int bpf(int command, bpf_attr& a) noexcept override {
        ++filters;
        return forwarding_calls::bpf(command, a);
    }
    int filters = 0;
};

class trap_filter_churn : public by_parking {};
BERTH_TRAPS_BY_PARKING(trap_filter_churn);

TEST_P(trap_filter_churn, sessions_change_hands_without_a_filter_being_made_or_freed) {
    for (const auto protocol : {transport::udp, transport::tcp}) {
        for (const auto family : {address_family::dual, address_family::ipv4, address_family::ipv6}) {
            filter_counting_calls calls;
            berth::platform::linux_provider provider(calls);
            berth::failure f;
            const auto core = reservation_core::make(provider, ask(protocol, family), f);
            ASSERT_TRUE(core) << f.what;
            calls.filters = 0;
            for (int session = 0; session < 10; ++session) {
                error_code ec;
                auto port = core->lane(protocol)->take(ec);
                ASSERT_TRUE(port) << ec.message();
                if (session % 2 == 0) set_int(port.native_handle(), SOL_SOCKET, SO_RCVBUF, 5000);
            }
            EXPECT_EQ(calls.filters, 0);
            core->release(f, berth::if_taken::refuse);
            EXPECT_FALSE(f) << f.what;
        }
    }
}

}  // namespace
