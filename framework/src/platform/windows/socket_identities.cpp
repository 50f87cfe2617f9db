// Who a caller's socket is; see socket_identities.hpp.
#include "platform/windows/socket_identities.hpp"

#include "platform/random_bytes.hpp"
#include "platform/windows/windows_block.hpp"
#include "platform/windows/winsock_address.hpp"

#include <algorithm>
#include <atomic>
#include <new>

namespace berth::platform {

socket_identities::~socket_identities() {
    for (const auto& e : entries_) os_.let_go(e.object);
}

// Begins anywhere, so that a cookie of another process is not taken for one of ours.
std::uint64_t socket_identities::new_cookie() noexcept {
    static std::atomic<std::uint64_t> next = [] {
        std::uint64_t start = 0;
        random_bytes(&start, sizeof start);
        return start & 0x00ffffffffffffffu;
    }();
    return ++next;
}

socket_identities::entry* socket_identities::find(native_socket s) noexcept {
    for (auto& e : entries_) {
        if (os_.same(e.object, s) == 1) return &e;
    }
    return nullptr;
}

void socket_identities::sweep_locked() noexcept {
    std::erase_if(entries_, [&](const entry& e) {
        std::uint32_t handles = 0;
        if (os_.count_handles(e.object, handles) < 0 || handles > 1) return false;
        os_.let_go(e.object);
        return true;
    });
}

void socket_identities::sweep() noexcept {
    const std::lock_guard lock(mutex_);
    sweep_locked();
}

std::uint64_t socket_identities::cookie_of(native_socket s, bool make) noexcept {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    std::uint16_t port = 0;
    if (local_port(os_, s, port) == 0 && port != 0) {
        for (auto* const block : blocks_) {
            if (const auto cookie = block->cookie_of(s, port)) return cookie;
        }
    }
    if (const auto* const known = find(s)) return known->cookie;
    HANDLE object = nullptr;
    if (!make || os_.name(s, object) < 0) return 0;
    try {
        entries_.push_back({new_cookie(), object});
    } catch (const std::bad_alloc&) {
        os_.let_go(object);
        return 0;
    }
    return entries_.back().cookie;
}

std::uint32_t socket_identities::count_others(std::uint64_t cookie, native_socket not_counted) noexcept {
    const std::lock_guard lock(mutex_);
    sweep_locked();
    for (auto* const block : blocks_) {
        std::uint32_t others = 0;
        if (block->count_others(cookie, not_counted, others)) return others;
    }
    for (const auto& e : entries_) {
        if (e.cookie != cookie) continue;
        std::uint32_t handles = 0;
        if (os_.count_handles(e.object, handles) < 0) return 1;  // in doubt it is named
        const bool is_own = not_counted >= 0 && os_.same(e.object, not_counted) == 1;
        return handles - std::min(handles, is_own ? 2u : 1u);
    }
    return 0;
}

void socket_identities::forget(native_socket s) noexcept {
    const std::lock_guard lock(mutex_);
    if (auto* const known = find(s)) {
        os_.let_go(known->object);
        entries_.erase(entries_.begin() + (known - entries_.data()));
    }
}

void socket_identities::add(windows_block& block) {
    const std::lock_guard lock(mutex_);
    blocks_.push_back(&block);
}

void socket_identities::remove(windows_block& block) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase(blocks_, &block);
}

void socket_identities::mark_blocks(bool tcp, std::vector<bool>& used) noexcept {
    const std::lock_guard lock(mutex_);
    for (const auto* const block : blocks_) block->mark_used(tcp, used);
}

}  // namespace berth::platform
