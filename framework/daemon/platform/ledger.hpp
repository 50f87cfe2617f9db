// Which ports one consumer has: bits in memory that a death of the daemon leaves as they are.
//
// A sealed file of memory, mapped here and kept by the descriptor store, so writing a bit is a store into memory and
// no call. Invariant: a bit is set before the port's socket is sent, and cleared after the port is made as new; so a
// port whose bit is clear is with nobody.
#pragma once

#include "platform/linux/local_socket.hpp"

#include <atomic>
#include <cstdint>

namespace berth::daemon {

class ledger {
public:
    ledger() noexcept = default;
    ledger(ledger&& other) noexcept;
    ledger& operator=(ledger&& other) noexcept;
    ~ledger();

    /// An empty one, for a block of `ports`. 0 or an errno.
    static int make(std::uint64_t block, std::uint32_t ports, ledger& out) noexcept;
    /// One that was kept. EBADMSG: it is none; another errno: it cannot be opened now.
    static int open(platform::descriptor file, ledger& out) noexcept;

    [[nodiscard]] int handle() const noexcept { return file_.get(); }
    [[nodiscard]] std::uint64_t block() const noexcept { return page_->block; }
    [[nodiscard]] std::uint32_t ports() const noexcept { return page_->ports; }
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    [[nodiscard]] bool has(std::uint32_t index) const noexcept {
        return (page_->words[index / 64].load(std::memory_order_relaxed) >> (index % 64) & 1) != 0;
    }
    void add(std::uint32_t index) noexcept;
    void remove(std::uint32_t index) noexcept;

    template <class Visit>
    void for_each(Visit visit) const {
        for (std::uint32_t i = 0; i < ports(); ++i) {
            if (has(i)) visit(i);
        }
    }

private:
    struct page {
        std::uint64_t magic, block;
        std::uint32_t ports, unused;
        std::atomic<std::uint64_t> words[1024];  // as many as the file is long
    };
    static std::size_t size_for(std::uint32_t ports) noexcept;
    int map(std::size_t size) noexcept;

    platform::descriptor file_;
    page* page_ = nullptr;
    std::size_t size_ = 0;
    std::uint32_t count_ = 0;
};

}  // namespace berth::daemon
