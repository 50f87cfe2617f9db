// The system's generator; see random_bytes.hpp. There is no fork here.
#include "platform/random_bytes.hpp"

#include "platform/windows/winsock.hpp"

#include <bcrypt.h>

#include <algorithm>
#include <cstdlib>

namespace berth::platform {

void random_bytes(void* bytes, std::size_t size) noexcept {
    auto* at = static_cast<unsigned char*>(bytes);
    while (size != 0) {
        const auto piece = static_cast<ULONG>(std::min<std::size_t>(size, 1 << 20));
        if (::BCryptGenRandom(nullptr, at, piece, BCRYPT_USE_SYSTEM_PREFERRED_RNG) < 0) std::abort();
        at += piece;
        size -= piece;
    }
}

void in_forked_child(void (*)()) noexcept {}

}  // namespace berth::platform
