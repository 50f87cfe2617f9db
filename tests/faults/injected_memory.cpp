// operator new and delete of the whole program, and aligned_alloc: they count, and refuse when it is their turn.
#include "faults/injection.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> pieces{0};

void* piece(std::size_t size, std::size_t alignment) noexcept {
    if (berth::test::turn_of_memory()) return nullptr;
    if (size == 0) size = 1;
    void* p = nullptr;
    if (alignment <= alignof(std::max_align_t))
        p = std::malloc(size);
    else if (posix_memalign(&p, alignment, size) != 0)
        p = nullptr;
    if (p != nullptr) pieces.fetch_add(1, std::memory_order_relaxed);
    return p;
}
void* piece_or_throw(std::size_t size, std::size_t alignment) {
    void* const p = piece(size, alignment);
    if (p == nullptr) throw std::bad_alloc();
    return p;
}
void back(void* p) noexcept {
    if (p == nullptr) return;
    pieces.fetch_sub(1, std::memory_order_relaxed);
    std::free(p);
}
std::size_t of(std::align_val_t a) noexcept { return static_cast<std::size_t>(a); }

}  // namespace

// Asio's, which free() takes back: refused as well, but not counted.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
    void* p = nullptr;
    if (berth::test::turn_of_memory() || posix_memalign(&p, alignment, size) != 0) return nullptr;
    return p;
}

long berth::test::pieces_of_memory() noexcept { return pieces.load(std::memory_order_relaxed); }

void* operator new(std::size_t n) { return piece_or_throw(n, 1); }
void* operator new[](std::size_t n) { return piece_or_throw(n, 1); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return piece(n, 1); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return piece(n, 1); }
void* operator new(std::size_t n, std::align_val_t a) { return piece_or_throw(n, of(a)); }
void* operator new[](std::size_t n, std::align_val_t a) { return piece_or_throw(n, of(a)); }
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return piece(n, of(a)); }
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return piece(n, of(a)); }
void operator delete(void* p) noexcept { back(p); }
void operator delete[](void* p) noexcept { back(p); }
void operator delete(void* p, std::size_t) noexcept { back(p); }
void operator delete[](void* p, std::size_t) noexcept { back(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { back(p); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { back(p); }
void operator delete(void* p, std::align_val_t) noexcept { back(p); }
void operator delete[](void* p, std::align_val_t) noexcept { back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { back(p); }
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { back(p); }
void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { back(p); }
void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { back(p); }
