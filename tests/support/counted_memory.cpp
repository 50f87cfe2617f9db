// The heap's functions as the linker's --wrap names them; see counted_memory.hpp.
#include "support/counted_memory.hpp"

#include <cstddef>

namespace {

thread_local long count = 0;

}  // namespace

long berth::test::memory_taken_by_this_thread() noexcept { return count; }

extern "C" {

void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t number, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
int __real_posix_memalign(void** memory, std::size_t alignment, std::size_t size);

void* __wrap_malloc(std::size_t size) {
    ++count;
    return __real_malloc(size);
}
void* __wrap_calloc(std::size_t number, std::size_t size) {
    ++count;
    return __real_calloc(number, size);
}
void* __wrap_realloc(void* memory, std::size_t size) {
    ++count;
    return __real_realloc(memory, size);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
    ++count;
    return __real_aligned_alloc(alignment, size);
}
int __wrap_posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    ++count;
    return __real_posix_memalign(memory, alignment, size);
}


// No other heap is opened at run time: all memory comes from these.
void* __wrap_dlopen(const char*, int) { return nullptr; }

}  // extern "C"
