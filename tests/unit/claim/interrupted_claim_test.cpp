// Each call of the claim's parts with each call of another thread's before each of its steps: one port has one owner,
// none is lost, and what is said to be exhausted was so before the other's call or after it.
#include "claim/claim_order.hpp"
#include "claim/port_bitmap.hpp"
#include "claim/port_queue.hpp"
#include "unit/claim/interrupted_atomic.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace berth::claim::test {
namespace {

using ports_set = std::set<std::uint32_t>;
using bitmap = port_bitmap<interrupted_atomic>;
using verb = std::function<ports_set(bitmap&)>;  // what it claimed

ports_set from(std::uint32_t first, std::uint32_t count) {
    ports_set all;
    for (std::uint32_t i = 0; first != none && i < count; ++i) all.insert(first + i);
    return all;
}
const draw far_draw{40000, 3, 4};

struct claim_verb {
    const char* name;
    verb call;
};
const claim_verb verbs[] = {
    {"claim", [](bitmap& b) { return from(b.claim(b.place_of(0u)), 1); }},
    {"claim on a thread's own lines", [](bitmap& b) { return from(b.claim(b.place_of(far_draw)), 1); }},
    {"claim_pair", [](bitmap& b) { return from(b.claim_pair(b.place_of(0u)), 2); }},
    {"claim_pair on a thread's own lines", [](bitmap& b) { return from(b.claim_pair(b.place_of(far_draw)), 2); }},
    {"claim_run of 4", [](bitmap& b) { return from(b.claim_run(b.place_of(0u), 4, 1), 4); }},
    {"claim_run of 40", [](bitmap& b) { return from(b.claim_run(b.place_of(0u), 40, 1), 40); }},
    {"claim_given", [](bitmap& b) { return b.claim_given(33) ? from(33, 1) : ports_set{}; }},
    {"claim_between", [](bitmap& b) { return from(b.claim_between(30, 8), 1); }},
};

/// What the other thread does; a port that it puts back was its own before.
struct other_verb {
    const char* name;
    ports_set owns;
    verb call;
};
std::vector<other_verb> others(std::uint32_t count) {
    std::vector<other_verb> all{
        {"puts 33 back", {33}, [](bitmap& b) { return b.put_back(33), ports_set{}; }},
        {"puts 33 back and claims it again",
         {33},
         [](bitmap& b) {
             b.put_back(33);
             return b.claim_given(33) ? ports_set{33} : ports_set{};
         }},
        {"puts the last one back", {count - 1}, [=](bitmap& b) { return b.put_back(count - 1), ports_set{}; }},
        {"claims 33", {}, [](bitmap& b) { return b.claim_given(33) ? from(33, 1) : ports_set{}; }}};
    for (const auto& v : verbs) all.push_back({v.name, {}, v.call});
    return all;
}

class interrupted_claim : public testing::TestWithParam<std::uint32_t> {
protected:
    const std::uint32_t count_ = GetParam();

    std::unique_ptr<bitmap> with(const ports_set& available) const {
        auto made = std::make_unique<bitmap>(std::uint16_t{10000}, count_);
        for (const auto port : available) made->put_back(port);
        return made;
    }
    std::uint32_t look(const ports_set& available, const claim_verb& mine, const other_verb& theirs) {
        for (std::uint32_t at = 1;; ++at) {
            SCOPED_TRACE(std::string(mine.name) + ", and before step " + std::to_string(at) + " another " +
                         theirs.name);
            const auto ports = with(available);
            ports_set got, lost;
            const bool came = interrupted(
                at, [&] { lost = theirs.call(*ports); }, [&] { got = mine.call(*ports); });
            if (!came) return at - 1;
            ports_set returned;  // by the other, and not claimed again
            for (const auto port : theirs.owns) {
                if (!lost.contains(port)) returned.insert(port);
            }
            const auto all = available.size() + returned.size();
            for (const auto port : got) {
                EXPECT_TRUE(available.contains(port) || theirs.owns.contains(port))
                    << port << " was nobody's to give";
                EXPECT_FALSE(lost.contains(port)) << port << " has two owners";
            }
            std::size_t still_others = 0;  // what it claimed again is its own as before
            for (const auto port : lost) still_others += theirs.owns.contains(port) ? 1 : 0;
            EXPECT_EQ(ports->available() + got.size() + lost.size() - still_others, all) << "a port is lost";
            if (got.empty()) {
                ports_set left(available);
                left.insert(theirs.owns.begin(), theirs.owns.end());
                for (const auto port : lost) left.erase(port);
                const auto before = with(available), after = with(left);
                EXPECT_TRUE(mine.call(*before).empty() || mine.call(*after).empty()) << "it was never exhausted";
            }
            if (HasFailure()) return 0;
        }
    }
};

TEST_P(interrupted_claim, by_one_call_at_any_step) {
    const ports_set shapes[] = {{}, {33}, {32, 33}, {2, 33, 64}, from(30, 44), {count_ - 1}, {1, 3, 5, 40}};
    std::uint32_t steps = 0;
    for (const auto& available : shapes) {
        for (const auto& theirs : others(count_)) {
            bool is_theirs = false;
            for (const auto port : theirs.owns) is_theirs = is_theirs || available.contains(port);
            if (is_theirs) continue;
            for (const auto& mine : verbs) {
                steps += look(available, mine, theirs);
                if (HasFailure()) return;
            }
        }
    }
    EXPECT_GT(steps, 2000u);
}

TEST_P(interrupted_claim, counts_what_came_back) {
    const auto ports = with({1, 2, 33});
    const auto before = ports->returns();
    ASSERT_TRUE(ports->claim_given(33));
    EXPECT_EQ(ports->returns(), before);
    ports->put_back(33);
    EXPECT_EQ(ports->returns(), before + 1);
}

INSTANTIATE_TEST_SUITE_P(blocks_of, interrupted_claim, testing::Values(80, 200, 4000));

using queue = port_queue<interrupted_atomic>;

void to_the_end(queue& q) {
    if (const auto i = q.dequeue(); i != queue::empty) q.enqueue(i);
}

TEST(interrupted_queue, keeps_each_index_once) {
    const std::function<std::uint32_t(queue&)> others[] = {
        [](queue& q) { return q.enqueue(2), queue::empty; },
        [](queue& q) { return q.dequeue(); },
        [](queue& q) { return to_the_end(q), queue::empty; },
        [](queue& q) {  // the ring goes round
            for (int turn = 0; turn < 7; ++turn) to_the_end(q);
            return queue::empty;
        },
    };
    const std::function<void(queue&)> mine[] = {
        [](queue& q) { q.enqueue(3); },
        to_the_end,
        [](queue& q) { q.dequeue_if([](std::uint32_t) { return false; }); },
        [](queue& q) { static_cast<void>(q.oldest()); },
    };
    for (std::uint32_t queued = 0; queued < 3; ++queued) {
        for (const auto& theirs : others) {
            for (const auto& call : mine) {
                for (std::uint32_t at = 1;; ++at) {
                    queue q(4);
                    std::set<std::uint32_t> expected = from(0, queued), seen;
                    for (const auto i : expected) q.enqueue(i);
                    std::uint32_t dropped = queue::empty;
                    if (!interrupted(
                            at, [&] { dropped = theirs(q); }, [&] { call(q); }))
                        break;
                    if (&call == mine) expected.insert(3);
                    if (&theirs == others) expected.insert(2);
                    expected.erase(dropped);
                    for (std::uint32_t i; (i = q.dequeue()) != queue::empty;) ASSERT_TRUE(seen.insert(i).second) << i;
                    ASSERT_EQ(seen, expected) << "of " << queued << ", step " << at;
                }
            }
        }
    }
}

TEST(interrupted_order, forgets_no_port_that_is_available) {
    using order = claim_order<interrupted_atomic>;
    const std::function<void(order&)> others[] = {
        [](order& o) { o.pop(); },
        [](order& o) { o.append(1); },
        [](order& o) {
            if (const auto i = o.pop(); i != none) o.append(i);
        },
    };
    for (const std::uint32_t queued : {0u, 1u, 2u}) {
        for (const auto& theirs : others) {
            for (std::uint32_t at = 1;; ++at) {
                order o(2);
                for (std::uint32_t i = 0; i < queued; ++i) o.append(1 - i);
                if (!interrupted(
                        at, [&] { theirs(o); }, [&] { o.append(1); }))
                    break;
                std::set<std::uint32_t> seen;
                for (std::uint32_t i; (i = o.pop()) != none;) ASSERT_TRUE(seen.insert(i).second) << i;
                ASSERT_TRUE(&theirs == others || seen.contains(1)) << "available, and no entry leads to it";
            }
        }
    }
}

}  // namespace
}  // namespace berth::claim::test
