// The fields of the keeper's messages; see keeper_message.hpp.
#include "keeper_message.hpp"

#include "persistent/wire.hpp"

namespace berth::daemon {
namespace {

constexpr std::uint32_t magic = 0x7065656b;  // "keep"
constexpr std::uint16_t version = 1;
constexpr std::size_t head_size = most_keeper_message - keys_per_message * key_size;

template <class Wire>
void head(Wire& wire, keeper_message& message, std::uint32_t& count) {
    auto m = magic;
    auto v = version;
    wire.number(m, magic, magic);
    wire.number(v, version, version);
    wire.number(message.verb, 1, std::uint64_t(keeper_verb::end));
    wire.number(message.value);
    wire.number(count, 0, keys_per_message);
}

template <class Wire>
void fields(Wire& wire, kept_key& key) {
    std::uint8_t unused = 0;
    wire.number(key.block);
    wire.number(key.port);
    wire.number(key.role, 1, last_role);
    wire.number(unused, 0, 0);
}

}  // namespace

std::vector<std::byte> encode(const keeper_message& message) {
    std::vector<std::byte> out(head_size + message.keys.size() * key_size);
    detail::wire_writer wire(out);
    auto copy = message;
    auto count = static_cast<std::uint32_t>(message.keys.size());
    head(wire, copy, count);
    for (auto& key : copy.keys) fields(wire, key);
    return out;
}

std::optional<keeper_message> parse_keeper_message(std::span<const std::byte> bytes) {
    if (bytes.size() < head_size) return std::nullopt;
    detail::wire_reader wire(bytes);
    keeper_message message;
    std::uint32_t count = 0;
    head(wire, message, count);
    if (!wire.is_good() || bytes.size() != head_size + count * key_size) return std::nullopt;
    message.keys.resize(count);
    for (auto& key : message.keys) fields(wire, key);
    if (message.verb == keeper_verb::remove_block) wire.require(count <= 1);
    return wire.is_good() ? std::optional(message) : std::nullopt;
}

}  // namespace berth::daemon
