// Operations that cannot end by themselves, one of each verb and more, and the fixture of the tests that end them.
#pragma once

#include "conformance/backend_ground.hpp"

namespace backend_suite {

/// A request of each verb that does not end by itself, with the sockets that it needs.
struct stuck_operations {
    explicit stuck_operations(int requests_of_each) {
        fill_up();
        for (int i = 0; i < requests_of_each; ++i) {
            on_stream.emplace_back(verb::receive, 10), on_stream.emplace_back(verb::send, 10);
            on_stream.emplace_back(verb::readable), on_stream.emplace_back(verb::writable);
            on_stream.emplace_back(verb::error);
            on_stream.emplace_back(verb::receive).many = true;
            on_door.emplace_back(verb::accept), on_door.emplace_back(verb::readable);
            on_door.emplace_back(verb::accept).many = true;
            on_datagrams.emplace_back(verb::receive, 10).with_source();
            on_datagrams.emplace_back(verb::receive).many = true;
        }
        connecting.emplace_back(verb::connect).to(local_address(full_door));
    }
    void fill_up() {
        fill(pair.here);
        // nobody takes them: the next one gets no answer
        for (int i = 0; i < 4; ++i) queued.push_back(start_connecting(local_address(full_door)));
    }
    template <class Visit>
    void each(Visit visit) {
        for (auto* all : {&on_stream, &on_door, &on_datagrams, &connecting}) {
            for (auto& r : *all) visit(r);
        }
    }

    stream_pair pair = local_pair();
    descriptor door = listener(), datagrams = datagram_socket(), full_door = listener(0), fresh = new_stream();
    std::vector<descriptor> queued;
    std::deque<request> on_stream, on_door, on_datagrams, connecting;
};

class backend_ending : public backend_contract {
protected:
    void start_all(stuck_operations& o) {
        at_ = {&attach(o.pair.here), &attach(o.door), &attach(o.datagrams, true), &attach(o.fresh)};
        for (auto& r : o.on_stream) start(r, *at_[0]);
        for (auto& r : o.on_door) start(r, *at_[1]);
        for (auto& r : o.on_datagrams) start(r, *at_[2]);
        for (auto& r : o.connecting) start(r, *at_[3]);
    }
    void expect_all_aborted(stuck_operations& o, int results) {
        EXPECT_TRUE(run_until([&] { return under_way_.empty(); }));
        o.each([&](request& r) {
            EXPECT_EQ(r.last, aborted_result()) << "verb " << int(r.what) << (r.many ? ", many" : "");
            EXPECT_EQ(r.results, results);
        });
        EXPECT_EQ(settle(5ms), 0);
    }
    std::vector<attachment*> at_;
};

}  // namespace backend_suite
