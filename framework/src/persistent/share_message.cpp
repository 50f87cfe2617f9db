// The fields of a share's messages; see share_message.hpp.
#include "persistent/share_message.hpp"

#include "persistent/wire.hpp"

namespace berth::detail {
namespace {

constexpr std::uint32_t share_magic = 0x72616873;  // "shar"
constexpr std::uint16_t share_version = 2;

bool lists_ports(share_verb verb) noexcept {
    return verb == share_verb::fetched || verb == share_verb::give_back || verb == share_verb::spoilt;
}

template <class Wire>
void head(Wire& wire, share_verb& verb, std::uint32_t& id, std::uint32_t& count, std::uint64_t& epoch,
          std::uint64_t& number) {
    auto m = share_magic;
    auto v = share_version;
    wire.number(m, share_magic, share_magic);
    wire.number(v, share_version, share_version);
    wire.number(verb, std::uint64_t(share_verb::fetched), std::uint64_t(share_verb::keep));
    wire.number(id, 0, verb == share_verb::fetched ? ~std::uint32_t{0} : 0);
    const std::uint64_t most = lists_ports(verb)                                           ? descriptors_per_message
                               : verb == share_verb::recall || verb == share_verb::holding ? 65536
                                                                                           : 0;
    const bool some = verb == share_verb::fetched || verb == share_verb::recall || verb == share_verb::holding;
    wire.number(count, some ? 1 : 0, most);
    constexpr auto any = ~std::uint64_t{0};
    wire.number(epoch, verb == share_verb::restarted ? 1 : 0,
                verb == share_verb::restarted || verb == share_verb::holding ? any : 0);
    wire.number(number, verb == share_verb::fetched ? 1 : 0,
                verb == share_verb::fetched || verb == share_verb::holding ? any : 0);
}

std::size_t size_of(share_verb verb, std::uint32_t count) noexcept {
    if (lists_ports(verb)) return share_head + 2 * std::size_t{count};
    return share_head + (verb == share_verb::holding ? (std::size_t{count} + 7) / 8 : 0);
}

}  // namespace

std::vector<std::byte> encode(const share_message& message) {
    auto verb = message.verb;
    auto id = message.id;
    auto epoch = message.epoch, number = message.number;
    auto count = static_cast<std::uint32_t>(lists_ports(verb)             ? message.ports.size()
                                            : verb == share_verb::holding ? message.held.size()
                                                                          : message.count);
    std::vector<std::byte> out(size_of(verb, count));
    wire_writer wire(out);
    head(wire, verb, id, count, epoch, number);
    for (const auto port : message.ports) wire.number(port);
    for (std::size_t i = 0; i < message.held.size(); ++i) {
        if (message.held[i]) out[share_head + i / 8] |= std::byte{1} << (i % 8);
    }
    return out;
}

std::optional<share_message> parse_share_message(std::span<const std::byte> bytes) {
    if (bytes.size() < share_head) return std::nullopt;
    wire_reader wire(bytes);
    share_message message;
    std::uint32_t count = 0;
    head(wire, message.verb, message.id, count, message.epoch, message.number);
    if (!wire.is_good() || bytes.size() != size_of(message.verb, count)) return std::nullopt;
    if (message.verb == share_verb::recall) message.count = count;
    if (lists_ports(message.verb)) message.ports.resize(count);
    std::uint64_t least = 1;
    for (auto& port : message.ports) {
        wire.number(port, least);
        least = std::uint64_t{port} + 1;
    }
    if (message.verb == share_verb::holding) {
        const auto bits = bytes.subspan(share_head);
        message.held.resize(count);
        for (std::size_t i = 0; i < count; ++i)
            message.held[i] = (bits[i / 8] >> (i % 8) & std::byte{1}) != std::byte{0};
        if (count % 8 != 0) wire.require((bits.back() >> (count % 8)) == std::byte{0});
    }
    return wire.is_good() ? std::optional(std::move(message)) : std::nullopt;
}

}  // namespace berth::detail
