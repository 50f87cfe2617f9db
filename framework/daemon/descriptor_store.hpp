// The contract of whoever holds the sockets of persistent blocks while the daemon is dead.
//
// A descriptor store outlives the daemon: what was put into it stays open until it is removed, so the ports stay
// ours. Siblings: keeper_link (a process of berth's own), and the service manager's descriptor store where there is
// one. The daemon is the only one who talks to it, one call at a time. It knows nothing of blocks: only keys and
// descriptors.
#pragma once

#include <berth/error.hpp>

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace berth::daemon {

/// What a descriptor is. The last two are a consumer's: its connection, and what it has (a ledger).
enum class socket_role : std::uint8_t { holder = 1, session, other_holder, connection, ledger };
inline constexpr std::uint8_t last_role = static_cast<std::uint8_t>(socket_role::ledger);

/// Names one descriptor. `block` is stored_block::id, or a consumer's own number.
struct kept_key {
    std::uint64_t block = 0;
    std::uint16_t port = 0;
    socket_role role = socket_role::holder;
    friend auto operator<=>(const kept_key&, const kept_key&) noexcept = default;
};

struct kept_socket {
    kept_key key{};
    int fd = -1;
};

class descriptor_store {
public:
    virtual ~descriptor_store() = default;

    /// Post on success: duplicates of all of these outlive this process; one of the same key is replaced. On failure
    /// some of them may be kept: the first ones. The descriptors stay the caller's.
    virtual void put(std::span<const kept_socket> sockets, failure& f) = 0;

    /// All that is kept, ascending by key. The descriptors are the caller's to close, also on failure.
    virtual void fetch(std::vector<kept_socket>& out, failure& f) = 0;

    /// Post on success: nothing of these keys, or of this block, is kept. What is not there is not missed.
    virtual void remove(std::span<const kept_key> keys, failure& f) = 0;
    virtual void remove_block(std::uint64_t block, failure& f) = 0;

    /// Becomes readable when the store is gone, for the daemon's poll; -1: it cannot go.
    [[nodiscard]] virtual int handle() const noexcept = 0;
    /// After handle() became readable, or a failure: an empty store that works again, or a failure. False: it was
    /// well, and nothing of it is lost.
    virtual bool renew(failure& f) = 0;

    /// Who keeps, in a few words.
    [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace berth::daemon
