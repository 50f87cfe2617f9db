// Pointers of callers, asked for by the kernel: a bad one is an answer (WSAEFAULT), not the end of the process.
//
// No signal handlers, nothing that another thread could see but the bytes themselves. Asked with process_vm_readv and
// process_vm_writev on this process; where a sandbox forbids these, through a pipe.
#pragma once

#include <cstddef>

namespace berth::compat {

enum class memory_calls { best, pipe_only };  // pipe_only: for tests

/// True if all of it can be read. A size of zero is always fine.
[[nodiscard]] bool can_read(const void* at, std::size_t size, memory_calls calls = memory_calls::best) noexcept;
/// True if all of it can be written. Writes back what is there.
[[nodiscard]] bool can_write(void* at, std::size_t size, memory_calls calls = memory_calls::best) noexcept;
/// Copies from or to a caller's memory, at most 4096 bytes. False: it cannot be done, and nothing was copied out.
[[nodiscard]] bool copy_in(void* to, const void* from, std::size_t size,
                           memory_calls calls = memory_calls::best) noexcept;
[[nodiscard]] bool copy_out(void* to, const void* from, std::size_t size,
                            memory_calls calls = memory_calls::best) noexcept;

}  // namespace berth::compat
