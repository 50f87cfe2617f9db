// To start an operation, and to end it, allocates nothing once a backend has had as many under way before.
//
// The fixture's books allocate, so these tests keep none.
#include "conformance/backend_ground.hpp"
#include "support/counted_allocations.hpp"

namespace backend_suite {
namespace {

class backend_allocation : public backend_contract {
protected:
    /// Fetches without the fixture's books, which allocate.
    void run_until_ended(int count) {
        completion c;
        const auto deadline = backend::clock::now() + 5s;
        while (count > 0 && backend::clock::now() < deadline) {
            if (!engine().next(c)) {
                engine().wait(deadline);
                continue;
            }
            if (c.lent.data != nullptr) engine().return_buffer(c.lent_id);
            if (c.op->what == verb::accept && c.result >= 0) close_number(c.result);
            if (!c.more) --count;
        }
        EXPECT_EQ(count, 0) << "not all ended";
    }

    template <class Round>
    long allocations_of(Round round) {
        for (int i = 0; i < 20; ++i) round();
        const long before = berth::test::allocations_of_this_thread();
        for (int i = 0; i < 200; ++i) round();
        return berth::test::allocations_of_this_thread() - before;
    }
};

TEST_P(backend_allocation, sending_and_receiving_allocates_nothing) {
    const auto pair = connected_pair();
    auto &here = attach(pair.here), &there = attach(pair.there);
    char bytes[2][64] = {};
    buffer_part parts[2] = {{bytes[0], 64}, {bytes[1], 64}};
    message_operation send, receive;
    const auto round = [&] {
        send.what = verb::send, send.socket = &here, send.parts = &parts[0], send.part_count = 1;
        receive.what = verb::receive, receive.socket = &there, receive.parts = &parts[1], receive.part_count = 1;
        engine().start(receive);
        engine().look();
        engine().start(send);
        run_until_ended(2);
    };
    EXPECT_EQ(allocations_of(round), 0);
}

TEST_P(backend_allocation, cancelling_allocates_nothing) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    char byte = 0;
    buffer_part part{&byte, 1};
    message_operation all[50];
    const auto round = [&] {
        for (auto& op : all) {
            op.what = verb::receive, op.socket = &a, op.parts = &part, op.part_count = 1;
            engine().start(op);
        }
        engine().look();
        for (auto& op : all) engine().cancel(op);
        run_until_ended(50);
    };
    EXPECT_EQ(allocations_of(round), 0);
}

TEST_P(backend_allocation, quiet_and_starting_again_allocates_nothing) {
    const auto pair = connected_pair();
    auto& a = attach(pair.here);
    operation op;
    const auto round = [&] {
        op.what = verb::readable, op.socket = &a;
        engine().start(op);
        engine().quiet(a);
        run_until_ended(1);
    };
    EXPECT_EQ(allocations_of(round), 0);
}

TEST_P(backend_allocation, lending_allocates_nothing) {
    const auto mine = datagram_socket(), other = datagram_socket();
    const auto to = local_address(mine);
    auto& a = attach(mine, true);
    message_operation op;
    const std::string x = "x";
    const auto round = [&] {
        op.what = verb::receive, op.many = true, op.socket = &a;
        engine().start(op);
        for (int i = 0; i < 10; ++i) {
            (void)say_to(other, x, to);
            engine().look();
            completion c;
            while (engine().next(c)) engine().return_buffer(c.lent_id);
        }
        engine().cancel(op);
        run_until_ended(1);
    };
    EXPECT_EQ(allocations_of(round), 0);
}

TEST_P(backend_allocation, accepting_allocates_nothing) {
    const auto door = listener();
    const auto to = local_address(door);
    auto& a = attach(door);
    operation op;
    const auto round = [&] {
        op.what = verb::accept, op.many = false, op.socket = &a;
        engine().start(op);
        const auto client = start_connecting(to);
        run_until_ended(1);
    };
    EXPECT_EQ(allocations_of(round), 0);
}

TEST_P(backend_allocation, waking_allocates_nothing) {
    const auto round = [&] {
        engine().wake();
        engine().wait(backend::clock::now() + 1s);
    };
    EXPECT_EQ(allocations_of(round), 0);
}

INSTANTIATE_TEST_SUITE_P(, backend_allocation, testing::ValuesIn(every_backend()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace backend_suite
