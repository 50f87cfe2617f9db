// How a client gets to a destination: through a proxy that is told where, or a listener that stands for one
// destination.
//
// All that a client says goes in one piece, the first byte for the destination behind it, so that each protocol costs
// as many turns as the others: what is compared is the way, not the words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

enum class speech : std::uint8_t { socks5, http_connect, none };

struct entrance {
    speech words = speech::socks5;
    std::vector<std::uint16_t> ports;  ///< on 127.0.0.1: one for all destinations, or one each

    [[nodiscard]] std::uint16_t port_for(std::size_t destination) const noexcept {
        return ports.size() == 1 ? ports.front() : ports[destination];
    }
};

/// What is said to get to 127.0.0.1:port, and a byte that the destination says back.
std::string words_for(speech words, std::uint16_t port);

/// What came back so far, or why not.
enum class heard : std::uint8_t { more, echo, refused };
/// `status`: the proxy's, if it refused: a SOCKS reply or an HTTP status.
heard judge(speech words, std::string_view answer, int& status) noexcept;

}  // namespace berth::bench
