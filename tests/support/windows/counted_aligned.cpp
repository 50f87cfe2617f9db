// A thread's count, and the heap's function that Windows has beside those of C; see counted_memory.hpp.
#include "support/counted_memory.hpp"

#include <windows.h>

#include <cstddef>
#include <cstdint>

namespace {

// The compiler's thread_local takes memory itself. Before this object is made nobody counts.
struct place {
    place() noexcept : index(::TlsAlloc()), is_made(true) {}
    DWORD index;
    bool is_made;  // false in memory that nobody has written to
};
place counts;

}  // namespace

long berth::test::memory_taken_by_this_thread() noexcept {
    return static_cast<long>(reinterpret_cast<std::intptr_t>(::TlsGetValue(counts.index)));
}
void berth::test::count_memory() noexcept {
    if (!counts.is_made) return;
    const DWORD error = ::GetLastError();  // which TlsGetValue clears
    ::TlsSetValue(counts.index, reinterpret_cast<void*>(static_cast<std::intptr_t>(memory_taken_by_this_thread() + 1)));
    ::SetLastError(error);
}

extern "C" {

void* __real__aligned_malloc(std::size_t size, std::size_t alignment);

void* __wrap__aligned_malloc(std::size_t size, std::size_t alignment) {
    berth::test::count_memory();
    return __real__aligned_malloc(size, alignment);
}

}  // extern "C"
