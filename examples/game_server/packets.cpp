// One reader, one writer; each packet names its members once for either.
#include "packets.hpp"

namespace game {
namespace {

constexpr std::uint8_t version = 1;

class reader {
public:
    explicit reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

    template <class Number>
    void operator()(Number& n) noexcept {
        n = 0;
        if (bytes_.size() < sizeof n) return fail();
        for (std::size_t i = 0; i < sizeof n; ++i) {
            n = static_cast<Number>(std::uint64_t{n} << 8 | std::to_integer<std::uint8_t>(bytes_[i]));
        }
        bytes_ = bytes_.subspan(sizeof n);
    }
    void operator()(why& reason) noexcept {
        std::uint8_t n = 0;
        (*this)(n);
        if (n < 1 || n > static_cast<std::uint8_t>(why::closing)) return fail();
        reason = static_cast<why>(n);
    }
    void operator()(asio::ip::udp::endpoint& at) noexcept {
        std::uint8_t family = 0;
        std::uint16_t port = 0;
        (*this)(family), (*this)(port);
        if (family == 4) {
            asio::ip::address_v4::bytes_type address{};
            for (auto& byte : address) (*this)(byte);
            at = {asio::ip::address_v4(address), port};
        } else if (family == 6) {
            asio::ip::address_v6::bytes_type address{};
            for (auto& byte : address) (*this)(byte);
            at = {asio::ip::address_v6(address), port};
        } else {
            fail();
        }
    }
    template <class Item, std::size_t most>
    void list(std::uint8_t& count, std::array<Item, most>& items) noexcept {
        (*this)(count);
        if (count > most) return fail();
        for (std::size_t i = 0; i < count && is_good_; ++i) each(*this, items[i]);
    }
    void pad() noexcept {
        for (const std::byte b : bytes_) {
            if (b != std::byte{0}) return fail();
        }
        bytes_ = {};
    }
    [[nodiscard]] bool is_all() const noexcept { return is_good_ && bytes_.empty(); }

private:
    void fail() noexcept { is_good_ = false; }
    std::span<const std::byte> bytes_;
    bool is_good_ = true;
};

class writer {
public:
    explicit writer(std::span<std::byte> out) noexcept : out_(out) {}

    template <class Number>
    void operator()(Number n) noexcept {
        for (std::size_t i = sizeof n; i-- > 0;) out_[size_++] = static_cast<std::byte>(std::uint64_t{n} >> (8 * i));
    }
    void operator()(why reason) noexcept { (*this)(static_cast<std::uint8_t>(reason)); }
    void operator()(const asio::ip::udp::endpoint& at) noexcept {
        (*this)(static_cast<std::uint8_t>(at.address().is_v4() ? 4 : 6));
        (*this)(static_cast<std::uint16_t>(at.port()));
        if (at.address().is_v4()) {
            for (const auto byte : at.address().to_v4().to_bytes()) (*this)(static_cast<std::uint8_t>(byte));
        } else {
            for (const auto byte : at.address().to_v6().to_bytes()) (*this)(static_cast<std::uint8_t>(byte));
        }
    }
    template <class Item, std::size_t most>
    void list(std::uint8_t count, const std::array<Item, most>& items) noexcept {
        (*this)(count);
        for (std::size_t i = 0; i < count; ++i) each(*this, items[i]);
    }
    void pad() noexcept {
        while (size_ < padded_size) out_[size_++] = std::byte{0};
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::span<std::byte> out_;
    std::size_t size_ = 0;
};

// P: a packet, const for the writer.
template <class Io, class P>
void each(Io& io, P& p) noexcept {
    using type = std::remove_const_t<P>;
    if constexpr (std::is_same_v<type, join>) {
        io(p.nonce), io(p.match), io(p.cookie), io.pad();
    } else if constexpr (std::is_same_v<type, cookie>) {
        io(p.nonce), io(p.value);
    } else if constexpr (std::is_same_v<type, place>) {
        io(p.nonce), io(p.ticket), io(p.player), io(p.at);
    } else if constexpr (std::is_same_v<type, refused>) {
        io(p.nonce), io(p.reason);
    } else if constexpr (std::is_same_v<type, enter>) {
        io(p.player), io(p.ticket), io(p.cookie), io.pad();
    } else if constexpr (std::is_same_v<type, welcome>) {
        io(p.player), io(p.match);
    } else if constexpr (std::is_same_v<type, inputs>) {
        io(p.player), io(p.key), io(p.first), io.list(p.count, p.moves);
    } else if constexpr (std::is_same_v<type, player_state>) {
        io(p.player), io(p.acknowledged), io(p.x), io(p.y);
    } else if constexpr (std::is_same_v<type, snapshot>) {
        io(p.match), io(p.tick), io.list(p.count, p.players);
    } else if constexpr (std::is_same_v<type, leave>) {
        io(p.player), io(p.key);
    } else if constexpr (std::is_same_v<type, bye>) {
        io(p.player), io(p.reason);
    } else {
        io(p);
    }
}

template <std::size_t kind = 0>
std::optional<packet> parse_as(std::size_t wanted, std::span<const std::byte> bytes) noexcept {
    if constexpr (kind < std::variant_size_v<packet>) {
        if (kind != wanted) return parse_as<kind + 1>(wanted, bytes);
        using type = std::variant_alternative_t<kind, packet>;
        constexpr bool is_padded = std::is_same_v<type, join> || std::is_same_v<type, enter>;
        if (is_padded && bytes.size() + 2 != padded_size) return std::nullopt;
        type p;
        reader in(bytes);
        each(in, p);
        if (in.is_all()) return packet(p);
    }
    return std::nullopt;
}

}  // namespace

std::optional<packet> parse(std::span<const std::byte> bytes) noexcept {
    if (bytes.size() < 2 || bytes.size() > largest_packet) return std::nullopt;
    const auto kind = std::to_integer<std::size_t>(bytes[0]);
    if (kind == 0 || std::to_integer<std::uint8_t>(bytes[1]) != version) return std::nullopt;
    return parse_as(kind - 1, bytes.subspan(2));
}

std::size_t write(std::span<std::byte> out, const packet& p) noexcept {
    writer to(out);
    to(static_cast<std::uint8_t>(p.index() + 1));
    to(version);
    std::visit([&](const auto& one) { each(to, one); }, p);
    return to.size();
}

}  // namespace game
