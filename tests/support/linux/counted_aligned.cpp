// A thread's count, and the heap's functions that Linux has beside those of C; see counted_memory.hpp.
#include "support/counted_memory.hpp"

#include <cstddef>

namespace {

thread_local long count = 0;

}  // namespace

long berth::test::memory_taken_by_this_thread() noexcept { return count; }
void berth::test::count_memory() noexcept { ++count; }

extern "C" {

void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
int __real_posix_memalign(void** memory, std::size_t alignment, std::size_t size);

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
    berth::test::count_memory();
    return __real_aligned_alloc(alignment, size);
}
int __wrap_posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    berth::test::count_memory();
    return __real_posix_memalign(memory, alignment, size);
}

// No other heap is opened at run time: all memory comes from these.
void* __wrap_dlopen(const char*, int) { return nullptr; }

}  // extern "C"
