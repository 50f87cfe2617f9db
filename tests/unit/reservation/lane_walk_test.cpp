// The port's state machine walked exhaustively: every reachable state of small blocks, and every verb in each.
//
// Breadth first over the model's states. A state is reached anew for each verb by its shortest path, because a
// library's object cannot be copied; what is compared after each verb is said in lane_walk.hpp.
#include "lane_walk.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <iostream>
#include <map>
#include <set>

namespace berth::test {
namespace {

using path = std::vector<move>;

std::string told(const path& way, move last) {
    std::string text;
    for (const auto& m : way) text += std::string(name_of(m.what)) + " " + std::to_string(m.port) + ", ";
    return text + "then " + name_of(last.what) + " " + std::to_string(last.port);
}

std::string replay(lane_walk& walk, const path& way) {
    for (const auto& m : way) {
        if (auto d = walk.go(m); !d.empty()) return d;
    }
    return {};
}

struct walked {
    std::size_t states = 0, steps = 0;
    std::set<verb> done;
};

walked walk_all(const walked_block& block) {
    walked w;
    std::map<std::string, path> seen;
    std::deque<std::string> next;
    {
        const lane_walk start(block);
        seen[start.key()] = {};
        next.push_back(start.key());
    }
    for (; !next.empty(); next.pop_front()) {
        const path way = seen.at(next.front());
        std::vector<move> moves;
        {
            lane_walk here(block);
            if (auto d = replay(here, way); !d.empty()) {
                ADD_FAILURE() << "replayed differently: " << d;
                return w;
            }
            EXPECT_EQ(here.key(), next.front());
            for (int v = 0; v < verbs; ++v) {
                const auto what = static_cast<verb>(v);
                for (std::uint32_t port = 0; port < (lane_walk::is_per_port(what) ? block.count : 1); ++port) {
                    if (here.allowed({what, port})) moves.push_back({what, port});
                }
            }
        }
        for (const auto& m : moves) {
            lane_walk walk(block);
            static_cast<void>(replay(walk, way));
            ++w.steps;
            w.done.insert(m.what);
            if (auto d = walk.go(m); !d.empty()) {
                ADD_FAILURE() << told(way, m) << ": " << d;
                return w;
            }
            if (lane_walk::is_last(m.what) || seen.count(walk.key()) != 0) continue;
            path longer = way;
            longer.push_back(m);
            seen[walk.key()] = longer;
            next.push_back(walk.key());
        }
    }
    w.states = seen.size();
    return w;
}

class state_machine : public testing::TestWithParam<walked_block> {};

TEST_P(state_machine, keeps_to_the_drawing_in_every_state_and_verb) {
    const walked w = walk_all(GetParam());
    std::cout << w.states << " states, " << w.steps << " steps\n";
    EXPECT_GE(w.states, GetParam().count == 1 ? 10U : 100U);
    EXPECT_EQ(w.done.size(), GetParam().rests ? std::size_t{verbs} : std::size_t{verbs} - 2);
}

INSTANTIATE_TEST_SUITE_P(block, state_machine,
                         testing::Values(walked_block{20000, 1, false}, walked_block{20000, 1, true},
                                         walked_block{20000, 2, false}, walked_block{20001, 2, true},
                                         walked_block{20000, 2, true}, walked_block{20001, 3, false}),
                         [](const auto& param_info) {
                             return std::to_string(param_info.param.count) + "_from_" +
                                    std::to_string(param_info.param.first) +
                                    (param_info.param.rests ? "_with_rest" : "");
                         });

}  // namespace
}  // namespace berth::test
