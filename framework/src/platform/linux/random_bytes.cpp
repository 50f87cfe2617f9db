// Unpredictable bytes on Linux: getrandom(2), which never returns bytes before the generator is seeded.
#include "platform/random_bytes.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace berth::platform {

void random_bytes(void* bytes, std::size_t size) noexcept {
    auto* at = static_cast<char*>(bytes);
    while (size > 0) {
        const ssize_t got = ::getrandom(at, size, 0);
        if (got > 0) {
            at += got;
            size -= static_cast<std::size_t>(got);
        } else if (got < 0 && errno != EINTR) {
            std::abort();
        }
    }
}

void in_forked_child(void (*forget)()) noexcept {
    if (::pthread_atfork(nullptr, nullptr, forget) != 0) std::abort();
}

}  // namespace berth::platform
