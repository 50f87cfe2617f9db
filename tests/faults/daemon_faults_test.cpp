// Persistent reservations against a berthd of the test's own: each call and each piece of memory of the client's.
#include "faults/sweep.hpp"
#include "scenario/daemon_ground.hpp"

#include <berth/persistent_share.hpp>

#include <functional>

namespace berth::test {
namespace {

class persistent_faults : public daemon_ground {
protected:
    void each(const std::string& name, const std::function<outcome()>& act, const std::function<void()>& undo = [] {}) {
        struct asking final : stage {
            asking(std::function<outcome()> a, std::function<void()> u) : act_(std::move(a)), undo_(std::move(u)) {}
            outcome act() override { return act_(); }
            void undo() override { undo_(); }
            std::function<outcome()> act_;
            std::function<void()> undo_;
        };
        scenario s;
        s.name = name;
        s.make = [=] { return std::make_unique<asking>(act, undo); };
        s.stays = true;
        s.also = {{errc::service_unavailable, errc::system_failure}, "nobody answers, as far as this process can tell"};
        fail_each(s, fault_kind::calls);
        fail_each(s, fault_kind::memory);
    }
};

TEST_F(persistent_faults, each_call_of_a_client_once) {
    start();
    const auto block = free_block(2, transport::udp);
    const auto other = free_block(1, transport::tcp);
    failure f;
    const auto token = create_persistent(block, transport::udp, f, at());
    ASSERT_FALSE(f) << f.what;
    each("create_persistent", [&] {
        failure why;
        create_persistent(other, transport::tcp, why, at());
        // The answer may be what failed: then the daemon has made it.
        if (why.code == errc::block_unavailable) why = {};
        return of(why);
    }, [&] {
        failure ignored;
        remove_persistent(other, transport::tcp, ignored, at());
    });
    each("lookup_persistent", [&] {
        failure why;
        const auto found = lookup_persistent(block, transport::udp, why, at());
        EXPECT_EQ(found == token, !why);
        return of(why);
    });
    each("list_persistent", [&] {
        failure why;
        const auto all = list_persistent(why, at());
        EXPECT_EQ(all.size() == 1, !why);
        return of(why);
    });
    each("persistent_status", [&] {
        failure why;
        const auto now = persistent_status(why, at());
        EXPECT_EQ(now.blocks == 1, !why);
        return of(why);
    });
    each("drain_persistent", [&] {
        failure why;
        drain_persistent(block, transport::udp, false, why, at());
        return of(why);
    });
    each("open_persistent", [&] {
        failure why;
        auto share = open_persistent(token, why, {.patience = std::chrono::milliseconds(300), .socket_path = socket()});
        EXPECT_EQ(static_cast<bool>(share), !why);
        return of(why);
    });
    remove_persistent(block, transport::udp, f, at());
    EXPECT_FALSE(f) << f.what;
}

}  // namespace
}  // namespace berth::test
