// Blocks that live as long as a socket of the caller's (reserve_on), and the thread that sees those sockets go.
//
// Linux tells nobody that a socket was closed, so one thread asks every 10 ms whether a descriptor of this process
// still names each acquiring socket. It exists only while there are such blocks, blocks all signals, and its whole
// work is one fstat a block. A block whose socket is gone is released, bound sockets are detached.
#pragma once

#include "platform/port_provider.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace berth::detail {

class reservation_core;

class acquiring_sockets {
public:
    static acquiring_sockets& instance();

    void watch(platform::native_socket socket, std::shared_ptr<reservation_core> core);
    void forget(const reservation_core& core) noexcept;
    /// Until replaced() or kept() no descriptor may name this socket although it was not closed.
    void about_to_replace(std::uint64_t inode) noexcept;
    void kept(std::uint64_t inode) noexcept;
    /// The acquiring socket was bound: from now on it is `session` that descriptors name, besides our own `session`.
    void replaced(platform::native_socket socket, std::uint64_t old_inode, platform::native_socket session) noexcept;
    /// Releases the blocks whose sockets are gone, now rather than within 10 ms. `only`: this block at most.
    void look(const reservation_core* only = nullptr) noexcept;

private:
    struct entry {
        std::shared_ptr<reservation_core> core;
        std::uint64_t inode = 0;
        platform::native_socket hint = -1;
        platform::native_socket own = -1;  // berth's own descriptor of the same socket
        int being_replaced = 0;            // by so many threads
    };
    void run() noexcept;

    std::mutex mutex_;
    std::vector<entry> entries_;
    bool running_ = false;
};

}  // namespace berth::detail
