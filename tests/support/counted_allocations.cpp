// operator new and delete of the whole program, and their count. All of them: a sanitizer's new does not go with this
// delete. A file of its own: inlined somewhere, g++ 12 takes the pair for a mismatch.
#include "support/counted_allocations.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local long count = 0;

}  // namespace

long berth::test::allocations_of_this_thread() noexcept { return count; }

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++count;
    return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
    void* const p = operator new(size, std::nothrow);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return operator new(size, std::nothrow); }
void* operator new[](std::size_t size) { return operator new(size); }

void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
