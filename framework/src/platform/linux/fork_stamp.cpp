// The stamp lives on a page that the kernel hands to a child wiped (MADV_WIPEONFORK).
//
// Where the kernel cannot (before 4.14) the stamp is the process id: a system call, but never wrong.
#include "platform/fork_stamp.hpp"

#include "platform/random_bytes.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace berth::platform {
namespace {

std::atomic<std::uint64_t>* make_page() noexcept {
    const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return nullptr;
    if (::madvise(page, size, MADV_WIPEONFORK) != 0) {
        ::munmap(page, size);
        return nullptr;
    }
    return new (page) std::atomic<std::uint64_t>(0);
}

}  // namespace

std::uint64_t fork_stamp() noexcept {
    static std::atomic<std::uint64_t>* const page = make_page();
    if (page == nullptr) return static_cast<std::uint64_t>(::getpid());
    std::uint64_t stamp = page->load(std::memory_order_relaxed);
    if (stamp != 0) return stamp;
    std::uint64_t fresh = 0;
    while (fresh == 0) random_bytes(&fresh, sizeof fresh);
    page->compare_exchange_strong(stamp, fresh);
    return page->load();
}

}  // namespace berth::platform
