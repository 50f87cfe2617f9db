// Results that the kernel never gave: an entry of a ring is made one that does nothing and ends with the result
// wished.
//
// io_uring_queue_init_params and io_uring_enter2 are wrapped by the linker (--wrap). The kernel is the real one, and
// so are the queues: IORING_NOP_INJECT_RESULT (Linux 6.10). Rings of one thread only.
#pragma once

#include <cstdint>

namespace kernel_faults_test {

/// The next `times` entries with this operation (IORING_OP_...) end with `result`; times 0: none any more.
void inject(std::uint8_t operation, int result, int times = 1);
/// How many were made such since then.
int injected();
/// This kernel knows it.
bool can_inject();

}  // namespace kernel_faults_test
