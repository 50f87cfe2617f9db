// Buffers in Winsock's form, whose fields are in another order and narrower than berth's.
#pragma once

#include "platform/windows/winsock.hpp"

#include <berth/detail/operation.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace berth::platform {

/// The first 64 of them, as many as Asio takes, and of each no more than a call can move. Refers to their bytes.
class wsa_parts {
public:
    wsa_parts(const detail::buffer_part* parts, std::size_t count) noexcept
        : count_(static_cast<DWORD>(std::min(count, parts_.size()))) {
        for (DWORD i = 0; i < count_; ++i) {
            const auto size = static_cast<ULONG>(std::min<std::size_t>(parts[i].size, 0x7fff'ffff));
            parts_[i] = {size, static_cast<CHAR*>(parts[i].data)};
            room_ += size;
        }
        if (count_ == 0) parts_[count_++] = {0, nullptr};  // Winsock wants one
    }
    [[nodiscard]] WSABUF* data() noexcept { return parts_.data(); }
    [[nodiscard]] DWORD count() const noexcept { return count_; }
    [[nodiscard]] std::size_t room() const noexcept { return room_; }  ///< bytes

private:
    std::array<WSABUF, 64> parts_;
    DWORD count_;
    std::size_t room_ = 0;
};

}  // namespace berth::platform
