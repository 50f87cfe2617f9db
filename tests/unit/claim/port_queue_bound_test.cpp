// The queue, alone with one thread: a call that waits waits for nobody, and would do so for ever.
#include "claim/port_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <set>

namespace berth::test {

inline int looks_left = 0;
inline std::set<const void*> parts_of_queue;

/// Nothing else ends a call that goes on for ever, or takes back what it wrote elsewhere.
[[noreturn]] inline void give_up(const char* why) {
    ADD_FAILURE() << why;
    std::cout.flush();
    std::_Exit(1);
}

template <class T>
struct counted_looks : std::atomic<T> {
    counted_looks() { parts_of_queue.insert(this); }
    ~counted_looks() { parts_of_queue.erase(this); }
    counted_looks(const counted_looks&) = delete;
    counted_looks& operator=(const counted_looks&) = delete;
    T load() const {
        if (!parts_of_queue.contains(this)) give_up("the queue looks past the end of its ring");
        if (--looks_left < 0) give_up("alone with the queue, one call has looked at it a thousand times");
        return std::atomic<T>::load();
    }
};

namespace {

TEST(port_queue_bound, no_call_waits_for_itself_at_any_turn_of_the_ring) {
    for (const std::uint32_t count : {1u, 2u, 3u, 7u}) {
        claim::port_queue<counted_looks> q{count};
        const auto bounded = [](auto call) {
            looks_left = 1000;
            return call();
        };
        for (std::uint32_t step = 0; step < 5 * count; ++step) {
            bounded([&] { q.enqueue(step % count); return 0; });
            ASSERT_EQ(bounded([&] { return q.oldest(); }), step % count) << "of " << count << ", step " << step;
            ASSERT_EQ(bounded([&] { return q.dequeue(); }), step % count) << "of " << count << ", step " << step;
            ASSERT_EQ(bounded([&] { return q.dequeue(); }), claim::port_queue<counted_looks>::empty);
        }
    }
}

}  // namespace
}  // namespace berth::test
