// A random walk: starts, cancels, quiets, detaches, and a lively other side, against a model that counts ends.
//
// The model knows of each operation whether it is under way, and what may end it. BERTH_WALK_SEED repeats a walk,
// BERTH_WALK_STEPS makes it longer.
#include "conformance/backend_ground.hpp"

#include <cstdlib>
#include <iostream>
#include <random>

namespace backend_suite {
namespace {

unsigned long from_environment(const char* name, unsigned long otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoul(text, nullptr, 10);
}

class backend_walk : public backend_contract {
protected:
    enum class role { stream, door, datagrams };

    struct place {
        role what = role::stream;
        descriptor mine, other;  // other: the far end of a stream, whoever sends datagrams
        std::vector<descriptor> clients;
        attachment* at = nullptr;
        std::deque<request> requests;
        bool broken = false;  // the far end is gone
    };

    void furnish(place& p) {
        p.requests.clear();
        p.broken = false;
        p.clients.clear();
        if (p.what == role::stream) {
            auto pair = connected_pair();
            p.mine = std::move(pair.here), p.other = std::move(pair.there);
        } else if (p.what == role::door) {
            p.mine = listener(64);
        } else {
            p.mine = datagram_socket(), p.other = datagram_socket();
        }
        p.at = &attach(p.mine, p.what == role::datagrams);
        for (int i = 0; i < 12; ++i) add_request(p, i);
    }

    void add_request(place& p, int i) {
        const auto size = std::size_t(1) << (i % 12);
        switch (p.what) {
            case role::stream:
                if (i < 3)
                    p.requests.emplace_back(verb::receive, size);
                else if (i < 6)
                    p.requests.emplace_back(verb::send, 1 + size * 100);
                else if (i < 8)
                    p.requests.emplace_back(verb::receive).many = true;
                else
                    p.requests.emplace_back(i == 8 ? verb::readable : i == 9 ? verb::writable : verb::error);
                break;
            case role::door:
                p.requests.emplace_back(i < 10 ? verb::accept : verb::readable).many = i % 5 == 0 && i < 10;
                if (i % 2 == 0) p.requests.back().with_source();
                break;
            case role::datagrams:
                if (i < 4)
                    p.requests.emplace_back(verb::receive, size).with_source();
                else if (i < 6)
                    p.requests.emplace_back(verb::receive).many = true;
                else if (i < 10)
                    p.requests.emplace_back(verb::send, size).to(local_address(p.other));
                else
                    p.requests.emplace_back(i == 10 ? verb::readable : verb::writable);
                break;
        }
    }

    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

    void other_side_acts(place& p) {
        const std::string words(1 + below(3000), 'w');
        switch (p.what) {
            case role::stream:
                if (p.broken) break;
                if (below(200) == 0) {
                    below(2) == 0 ? p.other.close() : p.other.reset_connection();
                    p.broken = true;
                } else if (below(2) == 0) {
                    say_what_fits(p.other, words);
                } else {
                    (void)take_what_is_there(p.other, 200000);
                }
                break;
            case role::door:
                if (p.clients.size() > 20) p.clients.clear();
                p.clients.push_back(start_connecting(local_address(p.mine)));
                break;
            case role::datagrams:
                (void)say_to(p.other, words.substr(0, below(words.size())), local_address(p.mine));
                break;
        }
    }

    void check(const request& r, int result, bool more) {
        const bool failed_connection = result == -number::connection_reset || result == -number::ended;
        const bool plausible = result >= 0 || result == aborted_result() || failed_connection ||
                               (r.what == verb::send && result == -number::message_size);
        EXPECT_TRUE(plausible) << "verb " << int(r.what) << ": " << result;
        EXPECT_TRUE(!more || (r.many && result >= 0));
        if (r.what == verb::receive && !r.many) {
            EXPECT_LE(result, int(r.memory.size()));
        }
        if (r.what == verb::accept && result >= 0) close_number(result);
    }

    void fetch_all(std::size_t most) {
        completion c;
        while (most-- > 0 && fetch(c)) {
            auto& r = static_cast<request&>(*c.op);
            check(r, c.result, c.more);
            r.all.clear(), r.heard.clear();
            if (!c.more && below(3) == 0 && !in_quiet_) start(r, *r.socket);
        }
    }

    /// Quiet, and every result of the socket is the aborted error.
    void quieten(place& p) {
        engine().quiet(*p.at);
        in_quiet_ = true;
        const auto deadline = backend::clock::now() + 2s;
        while (p.at->first != nullptr && backend::clock::now() < deadline) {
            completion c;
            if (!fetch(c)) {
                engine().wait(deadline);
                continue;
            }
            auto& r = static_cast<request&>(*c.op);
            if (r.socket == p.at) {
                EXPECT_EQ(c.result, aborted_result());
                EXPECT_FALSE(c.more);
            } else {
                check(r, c.result, c.more);
            }
        }
        EXPECT_EQ(p.at->first, nullptr);
        in_quiet_ = false;
        for (const auto& r : p.requests) EXPECT_TRUE(r.ended());
    }

    void step() {
        place& p = places_[below(places_.size())];
        request& r = p.requests[below(p.requests.size())];
        const auto dice = below(100);
        if (dice < 35) {
            if (r.ended()) start(r, *p.at);
        } else if (dice < 50) {
            if (r.starts != 0) engine().cancel(r);
        } else if (dice < 80) {
            other_side_acts(p);
        } else if (dice < 97) {
            if (below(4) == 0) engine().wake();
            if (below(10) == 0) engine().rest();
            below(2) == 0 ? engine().look() : engine().wait(backend::clock::now() + 1ms);
            fetch_all(below(2) == 0 ? 2 : 1000);
            if (below(3) == 0) return_all();
            returns_at_once_ = below(4) != 0;
        } else if (dice < 99 && !p.broken) {
            quieten(p);
        } else {
            quieten(p);
            detach(*p.at);
            furnish(p);
        }
    }

    std::mt19937_64 random_;
    std::vector<place> places_;
    bool in_quiet_ = false;
};

TEST_P(backend_walk, each_operation_ends_exactly_once_whatever_happens) {
    const auto seed = from_environment("BERTH_WALK_SEED", std::random_device{}());
    const auto steps = from_environment("BERTH_WALK_STEPS", 20000);
    std::cout << "BERTH_WALK_SEED=" << seed << " BERTH_WALK_STEPS=" << steps << std::endl;
    random_.seed(seed);
    make({.entries = 16, .buffer_size = 512, .buffer_count = 8});
    places_.resize(7);
    for (std::size_t i = 0; i < places_.size(); ++i) {
        places_[i].what = i < 3 ? role::stream : i < 5 ? role::door : role::datagrams;
        furnish(places_[i]);
    }
    for (unsigned long i = 0; i < steps && !HasFailure(); ++i) step();
    return_all();
    for (auto& p : places_) quieten(p);
    EXPECT_TRUE(under_way_.empty());
    for (auto& p : places_) detach(*p.at);
    places_.clear();
}

INSTANTIATE_TEST_SUITE_P(, backend_walk, testing::ValuesIn(every_backend()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace backend_suite
