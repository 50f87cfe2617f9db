// The report on the terminal.
#pragma once

#include "contest/results.hpp"

namespace berth::bench {

void print_report(const report& r);

}  // namespace berth::bench
