// What goes between berthd and its keeper: what parse() takes is exactly what encode() makes.
#include "fuzz/fuzz.hpp"

#include "keeper_message.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth::daemon;
    const auto bytes = berth::fuzz::bytes_of(data, size);
    const auto message = parse_keeper_message(bytes);
    if (!message) return 0;
    berth::fuzz::require(message->keys.size() <= keys_per_message, "no more keys than descriptors fit a message");
    berth::fuzz::require(std::ranges::equal(encode(*message), bytes), "it is made as it was read");
    return 0;
}
