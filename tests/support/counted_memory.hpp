// A program that links this, with the linker's option --wrap for each of the names in counted_memory.cpp and counted_aligned.cpp, counts what
// its own code (not the system's libraries) takes from the heap by any of the C functions; operator new is one of them.
#pragma once

namespace berth::test {

long memory_taken_by_this_thread() noexcept;  ///< calls
void count_memory() noexcept;               ///< of the system's own functions: linux/ and windows/counted_aligned.cpp

}  // namespace berth::test
