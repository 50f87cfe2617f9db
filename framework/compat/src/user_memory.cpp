// See user_memory.hpp.
#include "user_memory.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace berth::compat {
namespace {

constexpr std::size_t page = 4096;  // no system has smaller ones; a larger one is asked several times

class one_pipe {
public:
    one_pipe() noexcept { open_ = ::pipe2(ends_, O_CLOEXEC | O_NONBLOCK) == 0; }
    one_pipe(const one_pipe&) = delete;
    one_pipe& operator=(const one_pipe&) = delete;
    ~one_pipe() {
        if (!open_) return;
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    // Each at most a page: less than any pipe holds.
    bool put(const void* from, std::size_t size) const noexcept {
        return open_ && ::write(ends_[1], from, size) == static_cast<ssize_t>(size);
    }
    bool get(void* to, std::size_t size) const noexcept {
        return open_ && ::read(ends_[0], to, size) == static_cast<ssize_t>(size);
    }

private:
    int ends_[2] = {-1, -1};
    bool open_ = false;
};

bool forbidden() noexcept { return errno == ENOSYS || errno == EPERM || errno == EACCES; }

// Copies; `theirs` may be anything.
bool from_theirs(void* mine, const void* theirs, std::size_t size, memory_calls calls) noexcept {
    if (calls == memory_calls::best) {
        const iovec local{mine, size};
        const iovec remote{const_cast<void*>(theirs), size};
        const auto r = ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
        if (r == static_cast<ssize_t>(size)) return true;
        if (r >= 0 || !forbidden()) return false;
    }
    const one_pipe way;
    return way.put(theirs, size) && way.get(mine, size);
}

bool to_theirs(void* theirs, const void* mine, std::size_t size, memory_calls calls) noexcept {
    if (calls == memory_calls::best) {
        const iovec local{const_cast<void*>(mine), size};
        const iovec remote{theirs, size};
        const auto r = ::process_vm_writev(::getpid(), &local, 1, &remote, 1, 0);
        if (r == static_cast<ssize_t>(size)) return true;
        if (r >= 0 || !forbidden()) return false;
    }
    const one_pipe way;
    return way.put(mine, size) && way.get(theirs, size);
}

// One byte of each page that [at, at + size) touches.
template <class Ask>
bool every_page(std::uintptr_t at, std::size_t size, Ask ask) noexcept {
    if (size == 0) return true;
    const std::uintptr_t last = at + size - 1;
    if (last < at) return false;
    for (;; at = (at / page + 1) * page) {
        if (!ask(at)) return false;
        if (at / page == last / page) return true;
    }
}

}  // namespace

bool can_read(const void* at, std::size_t size, memory_calls calls) noexcept {
    return every_page(reinterpret_cast<std::uintptr_t>(at), size, [&](std::uintptr_t where) {
        char byte;
        return from_theirs(&byte, reinterpret_cast<const void*>(where), 1, calls);
    });
}

bool can_write(void* at, std::size_t size, memory_calls calls) noexcept {
    return every_page(reinterpret_cast<std::uintptr_t>(at), size, [&](std::uintptr_t where) {
        char byte;
        return from_theirs(&byte, reinterpret_cast<const void*>(where), 1, calls) &&
               to_theirs(reinterpret_cast<void*>(where), &byte, 1, calls);
    });
}

bool copy_in(void* to, const void* from, std::size_t size, memory_calls calls) noexcept {
    return size <= page && from_theirs(to, from, size, calls);
}

bool copy_out(void* to, const void* from, std::size_t size, memory_calls calls) noexcept {
    return size <= page && can_write(to, size, calls) && to_theirs(to, from, size, calls);
}

}  // namespace berth::compat
