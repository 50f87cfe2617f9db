// A server whose tick counter begins again while clients are there: deadlines come when they are due, and not before.
//
// 2^32 ticks are 13 years of the default tick, and fewer of a finer one.
#include "server/server_parts.hpp"
#include "support/private_member.hpp"
#include "unit/server/server_ground.hpp"

namespace berth::test {

struct core_of_server {
    friend auto member(core_of_server);
};
struct shards_of_core {
    friend auto member(shards_of_core);
};
struct now_of_wheel {
    friend auto member(now_of_wheel);
};
template struct private_member<core_of_server, &server::core_>;
template struct private_member<shards_of_core, &berth::detail::shared_core::shards_>;
template struct private_member<now_of_wheel, &berth::detail::deadline_wheel::now_>;

}  // namespace berth::test

namespace {

using namespace server_test;

class server_age : public server_by_backend {
protected:
    /// As if each shard had run for all but so many ticks of the 2^32. Before the start.
    void age(std::uint32_t ticks_left) const {
        auto& core = static_cast<berth::detail::shared_core&>(*((*server_).*member(system::core_of_server{})));
        for (auto& shard : core.*member(system::shards_of_core{})) {
            shard->wheel.*member(system::now_of_wheel{}) = 0u - ticks_left;
        }
    }
    static std::chrono::milliseconds elapsed(clock::time_point since) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since);
    }
    [[nodiscard]] std::uint32_t now() const {
        auto& core = static_cast<berth::detail::shared_core&>(*((*server_).*member(system::core_of_server{})));
        return (core.*member(system::shards_of_core{}))[0]->wheel.now();
    }
};
BERTH_BY_BACKEND(server_age);

TEST_P(server_age, deadlines_hold_while_the_ticks_begin_again) {
    server_options options;
    options.first_byte = options.write = 0s;
    options.idle = 150ms;
    options.total = 400ms;
    options.tick = 5ms;
    make(options, 1);
    age(12);  // 60 ms
    const auto running = go(echo);
    const auto begun = clock::now();
    const client silent(at_), lively(at_);
    silent.say("!");
    std::chrono::milliseconds silent_for{}, lively_for{};
    while (lively_for == 0ms && clock::now() - begun < 5s) {
        if (silent_for == 0ms && silent.wait_for_end(0ms) != client::open) silent_for = elapsed(begun);
        if (lively.wait_for_end(0ms) != client::open)
            lively_for = elapsed(begun);
        else
            system::send_some(lively.socket(), "?", 1);
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_GE(silent_for, 150ms) << "too early";
    EXPECT_LT(silent_for, 350ms) << "not when it was idle";
    EXPECT_GE(lively_for, 400ms) << "too early: it was never idle";
    EXPECT_LT(lively_for, 2s);
    shards_->stop();
    shards_->join();  // whose threads count
    EXPECT_LT(now(), 1'000u) << "the ticks did not begin again: this shows nothing";
}

}  // namespace
