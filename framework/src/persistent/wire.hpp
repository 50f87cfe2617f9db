// Little-endian numbers in a buffer of fixed size, one after the other.
//
// Invariant: both sides take the same steps in the same order, so that there is one list of fields and not two: see
// message.cpp. A reader remembers whether every step was within its bounds; what it reads after a bad one is zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace berth::detail {

class wire_writer {
public:
    explicit wire_writer(std::span<std::byte> bytes) noexcept : bytes_(bytes) {}

    template <class Number>
    void number(const Number& value, std::uint64_t = 0, std::uint64_t = 0) noexcept {
        auto left = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof value; ++i, left >>= 8) put(static_cast<std::byte>(left & 0xff));
    }
    void number(const bool& value) noexcept { put(std::byte{value}); }
    void require(bool) noexcept {}

private:
    void put(std::byte b) noexcept { bytes_[at_++] = b; }
    std::span<std::byte> bytes_;
    std::size_t at_ = 0;
};

class wire_reader {
public:
    explicit wire_reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    /// Enumerations and integers of 1 to 8 bytes, within [least, most].
    template <class Number>
    void number(Number& value, std::uint64_t least = 0, std::uint64_t most = ~std::uint64_t{0}) noexcept {
        std::uint64_t read = 0;
        for (std::size_t i = 0; i < sizeof value; ++i) read |= std::uint64_t(bytes_[at_++]) << (8 * i);
        is_good_ = is_good_ && read >= least && read <= most;
        value = is_good_ ? static_cast<Number>(read) : Number{};
    }
    void number(bool& value) noexcept {
        std::uint8_t read = 0;
        number(read, 0, 1);
        value = read != 0;
    }
    void require(bool condition) noexcept { is_good_ = is_good_ && condition; }
    [[nodiscard]] bool is_good() const noexcept { return is_good_; }

private:
    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    bool is_good_ = true;
};

}  // namespace berth::detail
