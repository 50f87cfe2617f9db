// See stun_writer.hpp.
#include "stun_writer.hpp"

#include "byte_order.hpp"
#include "xor_address.hpp"

#include <algorithm>

namespace relay {

stun_writer::stun_writer(std::span<std::uint8_t> room, message_class kind, stun_method method,
                         const transaction_id& transaction) noexcept
    : room_(room), transaction_(transaction) {
    const auto m = static_cast<unsigned>(method);
    const auto c = static_cast<unsigned>(kind);
    const unsigned type = (m & 0xF80) << 2 | (c & 2) << 7 | (m & 0x070) << 1 | (c & 1) << 4 | (m & 0x00F);
    write_16(room_.data(), static_cast<std::uint16_t>(type));
    write_16(room_.data() + 2, 0);
    write_32(room_.data() + 4, magic_cookie);
    std::copy(transaction.begin(), transaction.end(), room_.begin() + 8);
}

void stun_writer::set_length(std::size_t size) noexcept {
    write_16(room_.data() + 2, static_cast<std::uint16_t>(size - stun_header_size));
}

// Where the value goes; nullptr: there is no room. Padding is zero.
std::uint8_t* stun_writer::extend(attribute type, std::size_t size) noexcept {
    const std::size_t padded = size + padding_of(size);
    if (!fits_ || size > 0xFFFF || room_.size() - size_ < 4 + padded || size_ + 4 + padded > 0xFFFF)
        return fits_ = false, nullptr;
    std::uint8_t* const at = room_.data() + size_;
    write_16(at, static_cast<std::uint16_t>(type));
    write_16(at + 2, static_cast<std::uint16_t>(size));
    std::fill_n(at + 4 + size, padded - size, std::uint8_t{0});
    size_ += 4 + padded;
    set_length(size_);
    return at + 4;
}

void stun_writer::add(attribute type, bytes_view value) noexcept {
    if (std::uint8_t* const at = extend(type, value.size())) std::copy(value.begin(), value.end(), at);
}

void stun_writer::add(attribute type, std::string_view value) noexcept {
    add(type, bytes_view(reinterpret_cast<const std::uint8_t*>(value.data()), value.size()));
}

void stun_writer::add(attribute type, std::uint32_t value) noexcept {
    if (std::uint8_t* const at = extend(type, 4)) write_32(at, value);
}

void stun_writer::add_address(attribute type, const asio::ip::udp::endpoint& value) noexcept {
    std::array<std::uint8_t, 20> bytes;
    add(type, bytes_view(bytes.data(), write_xor_address(bytes, value, transaction_)));
}

void stun_writer::add_plain_address(attribute type, const asio::ip::udp::endpoint& value) noexcept {
    std::array<std::uint8_t, 20> bytes{};
    const auto write = [&](std::uint8_t family, const auto& address) {
        bytes[1] = family;
        write_16(bytes.data() + 2, value.port());
        std::copy(address.begin(), address.end(), bytes.begin() + 4);
        add(type, bytes_view(bytes.data(), 4 + address.size()));
    };
    if (value.address().is_v4())
        write(1, value.address().to_v4().to_bytes());
    else
        write(2, value.address().to_v6().to_bytes());
}

void stun_writer::add_error(std::uint16_t code, std::string_view reason) noexcept {
    std::uint8_t* const at = extend(attribute::error_code, 4 + reason.size());
    if (at == nullptr) return;
    write_32(at, static_cast<std::uint32_t>(code / 100 << 8 | code % 100));
    std::copy(reason.begin(), reason.end(), at + 4);
}

void stun_writer::add_address_error(std::uint8_t family, std::uint16_t code, std::string_view reason) noexcept {
    std::uint8_t* const at = extend(attribute::address_error_code, 4 + reason.size());
    if (at == nullptr) return;
    write_32(at, std::uint32_t{family} << 24 | static_cast<std::uint32_t>(code / 100 << 8 | code % 100));
    std::copy(reason.begin(), reason.end(), at + 4);
}

// The length counts the attribute already when the code is made (RFC 8489, 14.5).
void stun_writer::add_integrity(bytes_view key, integrity how) noexcept {
    const std::size_t before = size_;
    const bool is_sha1 = how == integrity::sha1;
    std::uint8_t* const at =
        extend(is_sha1 ? attribute::message_integrity : attribute::message_integrity_sha256, is_sha1 ? 20 : 32);
    if (at == nullptr) return;
    const integrity_code code = code_of(how, key, bytes_view(room_.data(), before));
    std::copy_n(code.bytes.begin(), code.size, at);
}

void stun_writer::add_fingerprint() noexcept {
    const std::size_t before = size_;
    if (std::uint8_t* const at = extend(attribute::fingerprint, 4))
        write_32(at, fingerprint_of(bytes_view(room_.data(), before)));
}

void stun_writer::begin_data(std::size_t size) noexcept {
    const std::size_t padded = size + padding_of(size);
    if (!fits_ || room_.size() - size_ < 4 || size_ + 4 + padded > 0xFFFF) {
        fits_ = false;
        return;
    }
    write_16(room_.data() + size_, static_cast<std::uint16_t>(attribute::data));
    write_16(room_.data() + size_ + 2, static_cast<std::uint16_t>(size));
    size_ += 4;
    set_length(size_ + padded);
}

}  // namespace relay
