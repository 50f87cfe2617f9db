// Numbers in network byte order, in bytes of any alignment.
#pragma once

#include <cstdint>

namespace relay {

[[nodiscard]] constexpr std::uint16_t read_16(const std::uint8_t* at) noexcept {
    return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
[[nodiscard]] constexpr std::uint32_t read_32(const std::uint8_t* at) noexcept {
    return std::uint32_t{read_16(at)} << 16 | read_16(at + 2);
}
constexpr void write_16(std::uint8_t* at, std::uint16_t value) noexcept {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}
constexpr void write_32(std::uint8_t* at, std::uint32_t value) noexcept {
    write_16(at, static_cast<std::uint16_t>(value >> 16));
    write_16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace relay
