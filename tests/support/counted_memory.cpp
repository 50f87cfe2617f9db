// The heap's functions as the linker's --wrap names them; see counted_memory.hpp.
#include "support/counted_memory.hpp"

#include <cstddef>

using berth::test::count_memory;

extern "C" {

void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t number, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);

void* __wrap_malloc(std::size_t size) {
    count_memory();
    return __real_malloc(size);
}
void* __wrap_calloc(std::size_t number, std::size_t size) {
    count_memory();
    return __real_calloc(number, size);
}
void* __wrap_realloc(void* memory, std::size_t size) {
    count_memory();
    return __real_realloc(memory, size);
}

}  // extern "C"
