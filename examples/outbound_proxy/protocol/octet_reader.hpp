// A place in bytes that were received; it never goes past their end.
#pragma once

#include "parsed.hpp"

#include <algorithm>
#include <array>

namespace outbound_proxy {

class octet_reader {
public:
    explicit octet_reader(octets bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::size_t position() const noexcept { return position_; }
    [[nodiscard]] bool has(std::size_t size) const noexcept { return bytes_.size() - position_ >= size; }

    // Pre of each: has() what it takes.
    std::uint8_t octet() noexcept { return bytes_[position_++]; }
    std::uint16_t number16() noexcept {  // in network byte order
        const auto high = octet();
        return static_cast<std::uint16_t>(high << 8 | octet());
    }
    octets take(std::size_t size) noexcept {
        const octets taken = bytes_.subspan(position_, size);
        position_ += size;
        return taken;
    }
    std::string_view text(std::size_t size) noexcept {
        const octets taken = take(size);
        return {reinterpret_cast<const char*>(taken.data()), taken.size()};
    }
    asio::ip::address_v4 address4() noexcept { return asio::ip::address_v4(array<4>()); }
    asio::ip::address_v6 address6() noexcept { return asio::ip::address_v6(array<16>()); }

private:
    template <std::size_t Size>
    std::array<std::uint8_t, Size> array() noexcept {
        std::array<std::uint8_t, Size> out;
        const octets taken = take(Size);
        std::copy(taken.begin(), taken.end(), out.begin());
        return out;
    }

    octets bytes_;
    std::size_t position_ = 0;
};

}  // namespace outbound_proxy
