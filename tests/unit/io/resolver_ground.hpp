// What the tests of resolvers share: slow names that are let go of, whatever happens.
#pragma once

#include "unit/io/by_backend.hpp"
#include "unit/io/slow_names.hpp"

namespace io_test {

class resolver : public by_backend {
protected:
    void TearDown() override { slow_names::let_go(); }
    static void wait_for_slow(int count) {
        for (int i = 0; i < 5000 && slow_names::waiting() != count; ++i) std::this_thread::sleep_for(1ms);
        ASSERT_EQ(slow_names::waiting(), count);
    }
};

}  // namespace io_test
