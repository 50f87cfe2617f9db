// For tests that attach a socket filter of their own: not where the kernel would never answer.
//
// tests/support/in_namespace sets BERTH_NO_BPF where the kernel's BPF stands still.
#pragma once

#include <cstdlib>

namespace berth::testing_support {

inline bool filters_answer() { return std::getenv("BERTH_NO_BPF") == nullptr; }

}  // namespace berth::testing_support
