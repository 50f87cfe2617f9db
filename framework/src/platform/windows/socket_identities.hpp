// Who a caller's socket is: Windows numbers sockets, gives numbers out again, and has no cookie.
//
// A socket of a block is known by its port and its object. Any other socket that the library has to know again gets
// an entry: a cookie of our own and a plain handle on its object, so that neither its number nor its object can be
// somebody else's while the entry lasts. The handle keeps the object alive: an entry goes at the next look after the
// last other handle was closed, and every call here looks. Cookies are never given out twice in a process.
#pragma once

#include "platform/port_provider.hpp"
#include "platform/windows/windows_calls.hpp"

#include <mutex>
#include <vector>

namespace berth::platform {

class windows_block;

class socket_identities {
public:
    explicit socket_identities(windows_calls& os) noexcept : os_(os) {}
    ~socket_identities();
    socket_identities(const socket_identities&) = delete;
    socket_identities& operator=(const socket_identities&) = delete;

    [[nodiscard]] static std::uint64_t new_cookie() noexcept;

    /// The socket's cookie. 0: it is not known and not to be, or memory or handles ran out.
    std::uint64_t cookie_of(native_socket s, bool make) noexcept;
    /// How many handles but ours, and but the library's own `not_counted`, are on the socket with this cookie.
    std::uint32_t count_others(std::uint64_t cookie, native_socket not_counted) noexcept;
    /// It is in a block from now on, or is closed. Forgets it.
    void forget(native_socket s) noexcept;
    /// Entries whose sockets were closed go.
    void sweep() noexcept;

    void add(windows_block& block);
    void remove(windows_block& block) noexcept;
    /// Marks what the blocks of a protocol hold.
    void mark_blocks(bool tcp, std::vector<bool>& used) noexcept;

private:
    struct entry {
        std::uint64_t cookie;
        HANDLE object;
    };
    [[nodiscard]] entry* find(native_socket s) noexcept;
    void sweep_locked() noexcept;

    windows_calls& os_;
    std::mutex mutex_;
    std::vector<entry> entries_;
    std::vector<windows_block*> blocks_;
};

}  // namespace berth::platform
