// TCP ports that listen change hands under attack; see hand_over.hpp.
#include "hand_over.hpp"

#include <gtest/gtest.h>

namespace berth::test {
namespace {

class listening_ports : public testing::TestWithParam<handed_over> {};

TEST_P(listening_ports, let_nobody_in_however_often_they_change_hands) { hand_over_under_attack(GetParam()); }

INSTANTIATE_TEST_SUITE_P(hand_over, listening_ports, testing::ValuesIn(in_every_way(transport::tcp, tcp_use::listen)),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace berth::test
