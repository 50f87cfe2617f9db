// The board is a memory file whose size is sealed; see handover_board.hpp.
#include "platform/handover_board.hpp"

#include "platform/linux/local_socket.hpp"
#include "platform/linux/os_failure.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace berth::platform {
namespace {

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW;

}  // namespace

std::shared_ptr<handover_board> handover_board::map(native_socket memory, std::uint32_t count) {
    void* const cells =
        ::mmap(nullptr, size_of(count), PROT_READ | PROT_WRITE, MAP_SHARED, static_cast<int>(memory), 0);
    if (cells == MAP_FAILED) return nullptr;
    auto* const made = new (std::nothrow) handover_board(cells, count);
    if (made == nullptr) {
        ::munmap(cells, size_of(count));
        return nullptr;
    }
    std::shared_ptr<handover_board> board(made);  // where this throws, the memory is still the caller's
    board->memory_ = memory;
    return board;
}

std::shared_ptr<handover_board> handover_board::make(std::uint32_t count, failure& f) {
    descriptor memory(::memfd_create("berth handover", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    std::shared_ptr<handover_board> made;
    if (memory && ::ftruncate(memory.get(), static_cast<off_t>(size_of(count))) == 0 &&
        ::fcntl(memory.get(), F_ADD_SEALS, seals) == 0) {
        made = map(memory.get(), count);
    }
    const int error = errno;
    if (made) return memory.release(), made;
    f = {code_of(-error),
         "the memory that a hand-over shares cannot be made: " + std::generic_category().message(error), 0, 0};
    if (error == EMFILE) f.what += "; raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE=) by at least 8";
    return nullptr;
}

std::shared_ptr<handover_board> handover_board::open(native_socket memory, std::uint32_t count) {
    struct stat status {};
    const int fd = static_cast<int>(memory);
    if (::fstat(fd, &status) != 0 || static_cast<std::size_t>(status.st_size) != size_of(count)) return nullptr;
    const int sealed = ::fcntl(fd, F_GET_SEALS);
    return sealed >= 0 && (sealed & seals) == seals ? map(memory, count) : nullptr;
}

handover_board::~handover_board() {
    ::munmap(cells_, size_of(count_));
    if (memory_ >= 0) ::close(static_cast<int>(memory_));
}

}  // namespace berth::platform
