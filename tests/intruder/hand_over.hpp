// Hand-overs under attack: 50,000 a case, with both ways of parking 100,000 of each kind, and nobody gets in.
//
// A cycle is take, then give back; each sixteenth one serves somebody in between. Two intruders are told the number
// of the port that is out and try everything on it and its neighbours all the while. The numbers lie in the range
// from which the kernel chooses, so that its choice (connect, bind(0), listen) can hit them as well. Three programs,
// one per kind, because each case takes seconds.
#pragma once

#include <berth/reservation_request.hpp>

#include <ostream>
#include <string>
#include <vector>

namespace berth::test {

struct handed_over {
    std::string name;
    transport protocol;
    tcp_use use;
    address_family family;
    parking park;
    std::uint16_t sessions = 1;  // of each port
};
inline std::ostream& operator<<(std::ostream& out, const handed_over& h) { return out << h.name; }

/// One kind in each family and with each way of parking.
std::vector<handed_over> in_every_way(transport protocol, tcp_use use);
/// Outbound ports with several session sockets each, in each family. Their workers end connections in every order
/// (we first: TIME_WAIT), and now and then close a session socket behind the reservation's back.
std::vector<handed_over> several_at_once();

/// The test: gtest expectations inside.
void hand_over_under_attack(const handed_over& h);

}  // namespace berth::test
