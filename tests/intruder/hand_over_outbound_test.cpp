// TCP ports that connect change hands under attack; see hand_over.hpp.
#include "hand_over.hpp"

#include <gtest/gtest.h>

namespace berth::test {
namespace {

class outbound_ports : public testing::TestWithParam<handed_over> {};

TEST_P(outbound_ports, let_nobody_in_however_often_they_change_hands) { hand_over_under_attack(GetParam()); }

INSTANTIATE_TEST_SUITE_P(hand_over, outbound_ports, testing::ValuesIn(in_every_way(transport::tcp, tcp_use::connect)),
                         testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(several, outbound_ports, testing::ValuesIn(several_at_once()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
