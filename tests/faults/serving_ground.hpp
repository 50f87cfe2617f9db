// A block of UDP ports and reservations of it, made apart from what is counted; for the tests of what serves.
#pragma once

#include "faults/io_ground.hpp"
#include "support/free_block.hpp"
#include "support/ways_to_reserve.hpp"

#include <memory>
#include <string>

namespace berth::test {
inline port_block some_block() {
    static const port_block block = free_block(2);
    return block;
}
inline reservation_request request_of(const char* name) {
    for (const way& w : all_ways()) {
        if (std::string(w.name) == name) return request_for(w, some_block());
    }
    throw std::logic_error(name);
}
inline port_reservation reserved_apart(const char* name) {
    const stands_apart apart;
    return port_reservation::reserve(request_of(name));
}
template <class T>
std::shared_ptr<T> apart() {
    const stands_apart apart;
    return std::make_shared<T>();
}
inline outcome with(const outcome& o, const failure& why) { return {o.code, why.what, true}; }
inline void expect_let_go() {
    const stands_apart apart;
    EXPECT_EQ(who_is_left_on(some_block()), "");
}

}  // namespace berth::test
