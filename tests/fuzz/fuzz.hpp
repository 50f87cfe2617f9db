// What a fuzz target is: one function over bytes, in libFuzzer's form, that ends the process when a promise is
// broken.
//
// With Clang it is libFuzzer that calls it; with other compilers without_libfuzzer.cpp does, which understands the
// same options and mutates without an eye on coverage. corpus/<target>/ are the inputs to begin with; an input that
// broke something is added there in the change that mends it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace berth::fuzz {

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) noexcept {
    return std::as_bytes(std::span(data, size));
}

/// What must hold; `what` says it.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

}  // namespace berth::fuzz
