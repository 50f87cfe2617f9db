// One datagram that was received: its bytes in a lent buffer, where it came from, and what else the system said of it.
#pragma once

#include <berth/lent_buffer.hpp>

#include <asio/ip/udp.hpp>

#include <cstddef>
#include <cstdint>

namespace berth::inline v0_1 {

/// What a UDP socket is asked to say of each datagram (basic_udp_socket::receive_details).
enum class datagram_details : std::uint8_t {
    none = 0,
    destination = 1,    ///< the local address that it was sent to
    traffic_class = 2,  ///< and so ECN
    joined = 4,         ///< the system may join datagrams of one sender into one buffer (GRO)
};
constexpr datagram_details operator|(datagram_details a, datagram_details b) noexcept {
    return static_cast<datagram_details>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool contains(datagram_details all, datagram_details one) noexcept {
    return (static_cast<std::uint8_t>(all) & static_cast<std::uint8_t>(one)) != 0;
}

enum class ecn : std::uint8_t { not_capable = 0, capable_1 = 1, capable_0 = 2, congestion = 3 };  ///< RFC 3168

struct datagram {
    lent_buffer payload;
    asio::ip::udp::endpoint source;
    asio::ip::address destination;    ///< unspecified if it was not asked for
    std::uint8_t traffic_class = 0;   ///< of the IP header, all eight bits; 0 if it was not asked for
    std::uint16_t segment_size = 0;   ///< bytes; not 0: datagrams of this size were joined, the last may be shorter
    bool is_truncated = false;        ///< it was longer than a lent buffer (io_context_options)

    [[nodiscard]] ecn congestion_mark() const noexcept { return static_cast<ecn>(traffic_class & 3); }

    /// How many datagrams it is, and one of them. Pre: i < count().
    [[nodiscard]] std::size_t count() const noexcept {
        return segment_size == 0 ? 1 : (payload.size() + segment_size - 1) / segment_size;
    }
    [[nodiscard]] asio::const_buffer segment(std::size_t i) const noexcept {
        if (segment_size == 0) return payload.buffer();
        return asio::buffer(payload.buffer() + i * segment_size, segment_size);
    }
};

}  // namespace berth::v0_1
