// See stun_message.hpp.
#include "stun_message.hpp"

#include "byte_order.hpp"
#include "xor_address.hpp"

#include <algorithm>

namespace relay {
namespace {

constexpr std::uint16_t number_of(attribute a) noexcept { return static_cast<std::uint16_t>(a); }

// Bytes of a value whose size is fixed; 0: it is not.
constexpr std::size_t fixed_size(std::uint16_t type) noexcept {
    switch (static_cast<attribute>(type)) {
        case attribute::message_integrity:
            return 20;
        case attribute::fingerprint:
        case attribute::channel_number:
        case attribute::lifetime:
        case attribute::requested_address_family:
        case attribute::additional_address_family:
        case attribute::requested_transport:
            return 4;
        case attribute::even_port:
            return 1;
        case attribute::reservation_token:
            return 8;
        default:
            return 0;
    }
}

constexpr std::array<std::uint32_t, 256> crc_table() noexcept {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t c = i;
        for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    return table;
}

}  // namespace

bool is_unknown_and_required(std::uint16_t type) noexcept {
    if (type >= 0x8000) return false;
    switch (static_cast<attribute>(type)) {
        case attribute::mapped_address:
        case attribute::username:
        case attribute::message_integrity:
        case attribute::error_code:
        case attribute::unknown_attributes:
        case attribute::channel_number:
        case attribute::lifetime:
        case attribute::xor_peer_address:
        case attribute::data:
        case attribute::realm:
        case attribute::nonce:
        case attribute::xor_relayed_address:
        case attribute::requested_address_family:
        case attribute::even_port:
        case attribute::requested_transport:
        case attribute::message_integrity_sha256:
        case attribute::xor_mapped_address:
        case attribute::reservation_token:
            return false;
        default:
            return true;  // DONT-FRAGMENT among them: see ARCHITECTURE.md
    }
}

std::uint32_t fingerprint_of(bytes_view bytes) noexcept {
    static constexpr auto table = crc_table();
    std::uint32_t c = 0xFFFFFFFFU;
    for (const std::uint8_t byte : bytes) c = table[(c ^ byte) & 0xFF] ^ (c >> 8);
    return c ^ 0xFFFFFFFFU ^ 0x5354554EU;
}

std::optional<stun_message> stun_message::parse(bytes_view bytes, not_a_message& why) noexcept {
    why = not_a_message::none;
    if (bytes.size() < stun_header_size) return why = not_a_message::too_short, std::nullopt;
    const std::uint16_t type = read_16(bytes.data());
    if ((type & 0xC000) != 0) return why = not_a_message::type_bits, std::nullopt;
    const std::size_t length = read_16(bytes.data() + 2);
    if (length % 4 != 0 || bytes.size() != stun_header_size + length)
        return why = not_a_message::length, std::nullopt;
    if (read_32(bytes.data() + 4) != magic_cookie) return why = not_a_message::cookie, std::nullopt;

    stun_message message;
    message.bytes_ = bytes;
    message.kind_ = static_cast<message_class>((type >> 7 & 2) | (type >> 4 & 1));
    message.method_ = static_cast<stun_method>((type & 0x3E00) >> 2 | (type & 0x00E0) >> 1 | (type & 0x000F));
    std::copy_n(bytes.begin() + 8, message.transaction_.size(), message.transaction_.begin());
    why = message.read_attributes();
    if (why != not_a_message::none) return std::nullopt;
    return message;
}

not_a_message stun_message::read_attributes() noexcept {
    not_a_message why = not_a_message::none;
    for (std::size_t at = stun_header_size; at < bytes_.size();) {
        const std::size_t size = read_16(bytes_.data() + at + 2);  // the length is a multiple of four: it is there
        const std::size_t padded = (size + 3) / 4 * 4;
        if (padded > bytes_.size() - at - 4) return not_a_message::attribute_length;
        const attribute_view one{read_16(bytes_.data() + at), bytes_.subspan(at + 4, size), at};
        if (!admit(one, why)) return why;
        at += 4 + padded;
    }
    return why;
}

// False: it is no message, or why not.
bool stun_message::admit(const attribute_view& one, not_a_message& why) noexcept {
    const std::uint16_t last = count_ == 0 ? std::uint16_t{0} : attributes_[count_ - 1].type;
    if (last == number_of(attribute::fingerprint)) return why = not_a_message::order, false;
    if (const std::size_t fixed = fixed_size(one.type); fixed != 0 && one.value.size() != fixed)
        return why = not_a_message::attribute_length, false;
    const bool is_sha256 = one.type == number_of(attribute::message_integrity_sha256);
    if (is_sha256 && (one.value.size() < 16 || one.value.size() > 32 || one.value.size() % 4 != 0))
        return why = not_a_message::attribute_length, false;

    const bool is_fingerprint = one.type == number_of(attribute::fingerprint);
    if (is_fingerprint && read_32(one.value.data()) != fingerprint_of(bytes_.first(one.offset)))
        return why = not_a_message::fingerprint, false;
    const bool behind_sha1 = last == number_of(attribute::message_integrity);
    const bool behind_sha256 = last == number_of(attribute::message_integrity_sha256);
    if ((behind_sha1 && !is_sha256 && !is_fingerprint) || (behind_sha256 && !is_fingerprint)) return true;  // ignored
    if (count_ == most_attributes) return why = not_a_message::too_many_attributes, false;
    attributes_[count_++] = one;
    return true;
}

const attribute_view* stun_message::find(attribute type) const noexcept {
    const auto all = attributes();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const attribute_view& a) { return a.type == number_of(type); });
    return found == all.end() ? nullptr : &*found;
}

std::optional<std::string_view> stun_message::text(attribute type) const noexcept {
    const attribute_view* const found = find(type);
    if (found == nullptr) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(found->value.data()), found->value.size());
}

std::optional<std::uint32_t> stun_message::number(attribute type) const noexcept {
    const attribute_view* const found = find(type);
    if (found == nullptr || found->value.size() != 4) return std::nullopt;
    return read_32(found->value.data());
}

std::optional<asio::ip::udp::endpoint> stun_message::address(attribute type) const noexcept {
    const attribute_view* const found = find(type);
    return found == nullptr ? std::nullopt : address(*found);
}

std::optional<asio::ip::udp::endpoint> stun_message::address(const attribute_view& of) const noexcept {
    return read_xor_address(of.value, transaction_);
}

}  // namespace relay
