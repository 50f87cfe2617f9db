// A STUN message (RFC 8489) with TURN's methods and attributes (RFC 8656), as it lies in memory: a view, and its
// parser.
//
// Strict: what is not a message in every length, type bit and padding is no message. Attributes behind the integrity
// attribute are not there for anybody (RFC 8489, 14.5), and FINGERPRINT is the last or the message is none. At most
// 64 attributes: an answer never needs a longer walk. The view points into the caller's bytes.
#pragma once

#include <version>  // before Asio, which allocates in another way where no standard header came first

#include <asio/ip/udp.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace relay {

using bytes_view = std::span<const std::uint8_t>;
using transaction_id = std::array<std::uint8_t, 12>;

inline constexpr std::size_t stun_header_size = 20;  // bytes
inline constexpr std::uint32_t magic_cookie = 0x2112A442;

enum class message_class : std::uint8_t { request, indication, success, error };

enum class stun_method : std::uint16_t {
    binding = 0x001,
    allocate = 0x003,
    refresh = 0x004,
    send = 0x006,
    data = 0x007,
    create_permission = 0x008,
    channel_bind = 0x009,
};

enum class attribute : std::uint16_t {
    mapped_address = 0x0001,
    username = 0x0006,
    message_integrity = 0x0008,
    error_code = 0x0009,
    unknown_attributes = 0x000A,
    channel_number = 0x000C,
    lifetime = 0x000D,
    xor_peer_address = 0x0012,
    data = 0x0013,
    realm = 0x0014,
    nonce = 0x0015,
    xor_relayed_address = 0x0016,
    requested_address_family = 0x0017,
    even_port = 0x0018,
    requested_transport = 0x0019,
    dont_fragment = 0x001A,
    message_integrity_sha256 = 0x001C,
    xor_mapped_address = 0x0020,
    reservation_token = 0x0022,
    additional_address_family = 0x8000,
    address_error_code = 0x8001,
    software = 0x8022,
    alternate_server = 0x8023,
    fingerprint = 0x8028,
};

/// True for types of which a receiver that does not know them must not go on (below 0x8000), and which we do not
/// know.
[[nodiscard]] bool is_unknown_and_required(std::uint16_t type) noexcept;

struct attribute_view {
    std::uint16_t type = 0;
    bytes_view value;        ///< without its padding
    std::size_t offset = 0;  ///< of its header in the message, bytes
};

enum class not_a_message : std::uint8_t {
    none,
    too_short,
    type_bits,  ///< the first two bits are not zero
    length,     ///< not a multiple of four, or not that of the bytes given
    cookie,
    attribute_length,  ///< an attribute runs past the end, or one of fixed size has another
    too_many_attributes,
    order,        ///< something behind FINGERPRINT
    fingerprint,  ///< there, and wrong
};

class stun_message {
public:
    static constexpr std::size_t most_attributes = 64;

    /// `bytes`: one whole message and nothing else.
    [[nodiscard]] static std::optional<stun_message> parse(bytes_view bytes, not_a_message& why) noexcept;
    [[nodiscard]] static std::optional<stun_message> parse(bytes_view bytes) noexcept {
        not_a_message ignored;
        return parse(bytes, ignored);
    }

    [[nodiscard]] message_class kind() const noexcept { return kind_; }
    [[nodiscard]] stun_method method() const noexcept { return method_; }
    [[nodiscard]] const transaction_id& transaction() const noexcept { return transaction_; }
    [[nodiscard]] bytes_view bytes() const noexcept { return bytes_; }

    /// In their order, without what must be ignored.
    [[nodiscard]] std::span<const attribute_view> attributes() const noexcept { return {attributes_.data(), count_}; }
    /// The first of this type; nullptr: none.
    [[nodiscard]] const attribute_view* find(attribute type) const noexcept;
    [[nodiscard]] bool has(attribute type) const noexcept { return find(type) != nullptr; }

    [[nodiscard]] std::optional<std::string_view> text(attribute type) const noexcept;
    [[nodiscard]] std::optional<std::uint32_t> number(attribute type) const noexcept;             ///< of four bytes
    [[nodiscard]] std::optional<asio::ip::udp::endpoint> address(attribute type) const noexcept;  ///< XOR-...-ADDRESS
    [[nodiscard]] std::optional<asio::ip::udp::endpoint> address(const attribute_view& of) const noexcept;

private:
    not_a_message read_attributes() noexcept;
    bool admit(const attribute_view& one, not_a_message& why) noexcept;

    bytes_view bytes_;
    message_class kind_ = message_class::request;
    stun_method method_ = stun_method::binding;
    transaction_id transaction_{};
    std::array<attribute_view, most_attributes> attributes_;
    std::size_t count_ = 0;
};

/// FINGERPRINT's value over what is in front of it (RFC 8489, 14.7).
[[nodiscard]] std::uint32_t fingerprint_of(bytes_view bytes) noexcept;

}  // namespace relay
