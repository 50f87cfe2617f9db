// A store that is opened, or written, while something fails: what must hold then, whatever it is that fails.
#pragma once

#include "store_ground.hpp"

#include <cstdint>

namespace berth::daemon::test {

class store_fault_ground : public store_ground {
protected:
    static stored_contents others() {
        auto contents = some();
        contents.blocks.erase(contents.blocks.begin());
        contents.blocks[0].is_draining = true;
        contents.blocks.push_back(row(12, transport::udp, 4000, 9));
        std::swap(contents.blocks[1], contents.blocks[2]);
        contents.listed = {{7000, 3}};
        return contents;
    }
    /// Each act fails, once or with all after it, until an attempt says that none came to fail. How many did.
    template <class Attempt>
    static int at_each(Attempt attempt) {
        int failed = 0;
        for (const bool for_good : {false, true}) {
            for (std::uint32_t at = 1; !HasFailure(); ++at, ++failed) {
                SCOPED_TRACE("act " + std::to_string(at) + (for_good ? " and all after it" : ""));
                if (!attempt(at, for_good)) break;
            }
        }
        return failed;
    }

    /// The store is opened while something fails, and again when nothing does. What `disarm` says.
    template <class Disarm>
    bool open_and_open_again(Disarm disarm, const stored_contents& expected) const {
        failure f;
        auto store = open(f);
        const bool came = disarm();
        EXPECT_EQ(store == nullptr, bool(f));
        if (store) {
            EXPECT_EQ(store->contents(), expected);
        } else {
            EXPECT_EQ(f.code, errc::system_failure);
            EXPECT_NE(f.what.find(path()), std::string::npos) << f.what;
        }
        store.reset();
        EXPECT_EQ(set_aside(), "") << f.what;
        const auto again = open();
        EXPECT_TRUE(again && again->contents() == expected);
        return came;
    }

    /// A commit while something fails; then what the store says of itself is what the next one finds.
    template <class Arm, class Disarm>
    bool commit_and_look(Arm arm, Disarm disarm) {
        fill(some());
        failure f;
        auto store = open();
        if (!store) return false;
        arm();
        store->commit(others(), f);
        const bool came = disarm();
        EXPECT_EQ(store->contents(), f ? some() : others());
        const bool is_known = !store->is_broken();
        if (f) {
            EXPECT_EQ(f.code, errc::system_failure);
            EXPECT_NE(f.what.find(path()), std::string::npos) << f.what;
        }
        if (store->is_broken()) {
            store->commit(some(), f);
            EXPECT_NE(f.what.find("start the daemon anew"), std::string::npos) << f.what;
            ++broken_;
        }
        const auto known = store->contents();
        store.reset();
        const auto again = open();
        EXPECT_TRUE(again && (again->contents() == known || (!is_known && again->contents() == others())));
        return came;
    }
    int broken_ = 0;  // how many commits said that nobody knows
};

}  // namespace berth::daemon::test
