// Where the memory of operations and connections comes from: mimalloc, kept to ourselves, or operator new.
//
// It is chosen once in a process and never changes, so that whatever came from it goes back to it, from any thread.
// mimalloc's shared library defines malloc and free; it is opened at run time with its symbols private, so that the
// program's own are not replaced (test memory.malloc_is_not_replaced). A heap belongs to the thread that made it: only
// that one draws from it and deletes it. Deleting leaves memory that is in use where it is.
#pragma once

#include <cstddef>
#include <string>

namespace berth::detail {

struct memory_source {
    bool has_heaps = false;
    std::string reason;  ///< in words, what it is and why

    void* (*allocate)(std::size_t) = nullptr;  ///< throws std::bad_alloc; any thread
    void (*free)(void*) = nullptr;             ///< any thread

    // nullptr without heaps
    void* (*make_heap)() = nullptr;  ///< nullptr: no memory
    void (*delete_heap)(void*) = nullptr;
    void* (*allocate_from)(void* heap, std::size_t) = nullptr;  ///< nullptr: no memory
};

/// The process's.
const memory_source& the_memory_source();

/// mimalloc out of this shared library (nullptr: the one that the build found a header for), else operator new.
memory_source choose_memory_source(const char* library);

/// False: why not. The siblings: mimalloc_source.cpp and without_mimalloc.cpp.
bool open_mimalloc(const char* library, memory_source& out, std::string& why_not);

}  // namespace berth::detail
