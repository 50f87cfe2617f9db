// Sealed memory; see ledger.hpp.
#include "platform/ledger.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace berth::daemon {
namespace {

constexpr std::uint64_t page_magic = 0x7265676465'6c0001;
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;  // its size is what it is, so no access can fault

}  // namespace

ledger::ledger(ledger&& other) noexcept
    : file_(std::move(other.file_)),
      page_(std::exchange(other.page_, nullptr)),
      size_(other.size_),
      count_(other.count_) {}

ledger& ledger::operator=(ledger&& other) noexcept {
    std::swap(file_, other.file_);
    std::swap(page_, other.page_);
    std::swap(size_, other.size_);
    std::swap(count_, other.count_);
    return *this;
}

ledger::~ledger() {
    if (page_ != nullptr) ::munmap(page_, size_);
}

std::size_t ledger::size_for(std::uint32_t ports) noexcept {
    return offsetof(page, words) + (std::size_t{ports} + 63) / 64 * sizeof(std::uint64_t);
}

int ledger::map(std::size_t size) noexcept {
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    if (at == MAP_FAILED) return errno;
    page_ = static_cast<page*>(at);
    size_ = size;
    return 0;
}

int ledger::make(std::uint64_t block, std::uint32_t ports, ledger& out) noexcept {
    ledger made;
    made.file_ = platform::descriptor(::memfd_create("berth-ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!made.file_) return errno;
    const auto size = size_for(ports);
    if (::ftruncate(made.file_.get(), static_cast<off_t>(size)) != 0) return errno;
    if (const int error = made.map(size); error != 0) return error;
    made.page_->block = block;
    made.page_->ports = ports;
    made.page_->magic = page_magic;
    if (::fcntl(made.file_.get(), F_ADD_SEALS, seals) != 0) return errno;
    out = std::move(made);
    return 0;
}

int ledger::open(platform::descriptor file, ledger& out) noexcept {
    ledger kept;
    kept.file_ = std::move(file);
    struct stat status {};
    const int found = ::fcntl(kept.file_.get(), F_GET_SEALS);
    if (found < 0 && errno != EINVAL) return errno;  // EINVAL: a file without seals
    if (found != seals) return EBADMSG;
    if (::fstat(kept.file_.get(), &status) != 0) return errno;
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size < size_for(1) || size > size_for(65536)) return EBADMSG;
    if (const int error = kept.map(size); error != 0) return error;
    if (kept.page_->magic != page_magic || kept.ports() < 1 || kept.ports() > 65536 ||
        size != size_for(kept.ports())) {
        return EBADMSG;
    }
    kept.for_each([&](std::uint32_t) { ++kept.count_; });
    out = std::move(kept);
    return 0;
}

void ledger::add(std::uint32_t index) noexcept {
    if (has(index)) return;
    page_->words[index / 64].fetch_or(std::uint64_t{1} << (index % 64));
    ++count_;
}

void ledger::remove(std::uint32_t index) noexcept {
    if (!has(index)) return;
    page_->words[index / 64].fetch_and(~(std::uint64_t{1} << (index % 64)));
    --count_;
}

}  // namespace berth::daemon
