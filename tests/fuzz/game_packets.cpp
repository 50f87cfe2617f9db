// The game server's datagrams: what is read as a packet is written as the same bytes.
#include "fuzz/fuzz.hpp"

#include "packets.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    const auto read = game::parse(bytes);
    if (!read) return 0;
    std::array<std::byte, game::largest_packet> out;
    const std::size_t written = game::write(out, *read);
    berth::fuzz::require(written == size && std::equal(bytes.begin(), bytes.end(), out.begin()), "the same bytes");
    return 0;
}
