// How a function that stands in libc's place asks whether it is its turn to fail, and finds the one behind it.
#pragma once

#include "faults/injection.hpp"

#include <dlfcn.h>

#include <cerrno>

namespace berth::test {

template <class Function>
Function* next_of(const char* name) noexcept {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace berth::test

// The next of this name, and -1 and errno, or else what the call says for a failure.
#define BERTH_TURN(name, ...)                                              \
    static auto* const next = berth::test::next_of<decltype(::name)>(#name); \
    if (const int error = berth::test::turn_of(#name); error != 0) __VA_ARGS__

#define BERTH_FAILS   \
    {                 \
        errno = error; \
        return -1;    \
    }
