// A listener that was in other hands, back to as new, or known not to be.
//
// Only listeners are audited: all that sticks to them can be read, or undone unread. A UDP socket's memberships and
// modes cannot be read, so a lent one is replaced.
#pragma once

#include "platform/windows/windows_calls.hpp"

#include <array>
#include <cstdint>

namespace berth::platform {

class listener_audit {
public:
    /// What a fresh listener's options are.
    void note(windows_calls& os, native_socket fresh, bool ipv6) noexcept;
    /// True: as new. False: to be replaced.
    bool restore(windows_calls& os, native_socket lent) const noexcept;

private:
    static constexpr std::size_t most = 16;
    struct value {
        int size = 0;  // 0: this system does not know the option
        std::array<unsigned char, 8> bytes{};
    };
    static value read(windows_calls& os, native_socket s, std::size_t row) noexcept;

    bool ipv6_ = false;
    std::array<value, most> fresh_{};
};

}  // namespace berth::platform
