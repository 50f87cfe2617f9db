// The fields of both messages, each listed once for writing and reading; see message.hpp.
#include "persistent/message.hpp"

#include "persistent/wire.hpp"

#include <algorithm>

namespace berth::detail {
namespace {

constexpr std::uint32_t magic = 0x68747262;  // "brth"
constexpr std::uint16_t version = 1;

constexpr bool names_block(request_kind kind) noexcept {
    return kind != request_kind::status && kind != request_kind::next_block && kind < request_kind::take;
}

constexpr bool is_known(request_kind kind) noexcept {
    return kind <= request_kind::resume || kind == request_kind::take || kind == request_kind::fetch;
}

template <class Wire, class Kind>
void head(Wire& wire, Kind& kind, decltype(service_request::id)& id) {
    auto m = magic;
    auto v = version;
    wire.number(m, magic, magic);
    wire.number(v, version, version);
    wire.number(kind, std::uint64_t(request_kind::create), std::uint64_t(request_kind::fetch));
    wire.require(is_known(kind));
    wire.number(id);
}

template <class Wire>
void fields(Wire& wire, service_request& r) {
    head(wire, r.kind, r.id);
    const bool block = names_block(r.kind), fetch = r.kind == request_kind::fetch;
    wire.number(r.block.first, 0, block || fetch ? 65535 : 0);
    wire.number(r.protocol, 1, block ? 2 : 1);
    wire.number(r.use, 0, r.kind == request_kind::create ? 1 : 0);
    wire.number(r.block.count, block ? 0 : 1, block ? 65536 : fetch ? descriptors_per_message : 1);
    auto more = fetch ? std::uint32_t(r.what) : r.after;
    wire.number(more, 0, r.kind == request_kind::next_block ? place_of(transport::udp, 65535) : fetch ? 2 : 0);
    (fetch ? void(r.what = static_cast<fetch_kind>(more)) : void(r.after = more));
    if (fetch) wire.require((r.what == fetch_kind::given) == (r.block.first != 0));
    auto token = r.token.value();
    const bool take = r.kind == request_kind::take;
    wire.number(token, take ? 1 : 0, take ? ~std::uint64_t{0} : 0);
    r.token = reservation_token(token);
}

template <class Wire>
void fields(Wire& wire, service_answer& a, std::uint16_t& text_size, std::span<std::uint8_t, most_text> text) {
    head(wire, a.kind, a.id);
    auto error = static_cast<std::uint16_t>(a.error);
    wire.number(error, 0, errc_count - 1);
    a.error = static_cast<errc>(error);
    wire.number(a.port);
    wire.number(a.protocol, 1, 2);
    wire.number(a.use, 0, 1);
    wire.number(a.block.first);
    wire.number(a.block.count, 0, 65535);
    auto token = a.token.value();
    wire.number(token);
    a.token = reservation_token(token);
    wire.number(a.created);
    wire.number(a.is_last);
    wire.number(a.is_draining);
    wire.number(a.is_held);
    std::uint8_t unused = 0;
    wire.number(unused, 0, 0);
    for (auto& n : a.numbers) wire.number(n);
    std::uint16_t also_unused = 0;
    wire.number(also_unused, 0, 0);
    wire.number(text_size, 0, most_text);
    for (auto& c : text) wire.number(c);
}

static_assert(12 + 2 + 2 + 1 + 1 + 2 + 4 + 8 + 8 + 4 + 10 * 4 + 2 + 2 + most_text == answer_size);

bool is_text(std::uint8_t c) noexcept { return c >= 0x20 && c != 0x7f; }

}  // namespace

std::array<std::byte, request_size> encode(const service_request& request) noexcept {
    std::array<std::byte, request_size> out{};
    wire_writer wire(out);
    auto copy = request;
    fields(wire, copy);
    return out;
}

std::array<std::byte, answer_size> encode(const service_answer& answer) noexcept {
    std::array<std::byte, answer_size> out{};
    std::array<std::uint8_t, most_text> text{};
    auto size = static_cast<std::uint16_t>(std::min(answer.text.size(), most_text));
    for (std::size_t i = 0; i < size; ++i) {
        const auto c = static_cast<std::uint8_t>(answer.text[i]);
        text[i] = is_text(c) ? c : '?';
    }
    wire_writer wire(out);
    auto copy = answer;
    fields(wire, copy, size, text);
    return out;
}

std::optional<service_request> parse_request(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() != request_size) return std::nullopt;
    wire_reader wire(bytes);
    service_request r;
    fields(wire, r);
    return wire.is_good() ? std::optional(r) : std::nullopt;
}

std::optional<service_answer> parse_answer(std::span<const std::byte> bytes) {
    if (bytes.size() != answer_size) return std::nullopt;
    wire_reader wire(bytes);
    service_answer a;
    std::uint16_t size = 0;
    std::array<std::uint8_t, most_text> text{};
    fields(wire, a, size, text);
    for (std::size_t i = 0; i < most_text; ++i) wire.require(i < size ? is_text(text[i]) : text[i] == 0);
    if (!wire.is_good()) return std::nullopt;
    a.text.assign(text.begin(), text.begin() + size);
    return a;
}

}  // namespace berth::detail
