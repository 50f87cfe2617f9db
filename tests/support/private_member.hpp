// A member that is nobody's but its class's, for tests that begin where years of use would have led.
//
// An explicit instantiation may name private members; so the library has no door for tests.
// In this namespace, where the friend below is:
//   struct of_queue { friend auto member(of_queue); };
//   template struct private_member<of_queue, &claim::port_queue<>::head_>;
// and wherever it is wanted: (queue.*member(of_queue{})).store(...);
#pragma once

namespace berth::test {

template <class Name, auto Member>
struct private_member {
    friend auto member(Name) { return Member; }
};

}  // namespace berth::test
