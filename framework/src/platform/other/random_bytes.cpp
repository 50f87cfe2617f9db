// The standard library's door to the system's generator.
#include "platform/random_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace berth::platform {

void random_bytes(void* bytes, std::size_t size) noexcept {
    std::random_device source;
    auto* at = static_cast<char*>(bytes);
    while (size != 0) {
        const auto word = source();
        const auto n = std::min(size, sizeof word);
        std::memcpy(at, &word, n);
        at += n;
        size -= n;
    }
}

void in_forked_child(void (*)()) noexcept {}

}  // namespace berth::platform
