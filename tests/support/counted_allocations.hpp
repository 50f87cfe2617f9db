// A program that links this counts what its threads allocate with operator new.
#pragma once

namespace berth::test {

long allocations_of_this_thread() noexcept;

}  // namespace berth::test
