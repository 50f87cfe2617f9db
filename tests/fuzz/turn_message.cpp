// A client's bytes: whatever comes in a datagram or lies at the front of a stream, what is read of it holds together.
#include "channel_data.hpp"
#include "fuzz/fuzz.hpp"
#include "stun_message.hpp"
#include "xor_address.hpp"

#include <algorithm>

namespace {

using berth::fuzz::require;
using namespace relay;

bool lies_in(bytes_view inner, bytes_view outer) {
    return inner.empty() ||
           (inner.data() >= outer.data() && inner.data() + inner.size() <= outer.data() + outer.size());
}

void look_at_message(bytes_view bytes) {
    not_a_message why;
    const auto message = stun_message::parse(bytes, why);
    require(message.has_value() == (why == not_a_message::none), "it is a message, or it is said why not");
    if (!message) return;
    std::size_t end = stun_header_size;
    for (const attribute_view& one : message->attributes()) {
        require(lies_in(one.value, bytes), "a value lies in the message");
        require(one.offset >= end && one.offset + 4 + one.value.size() <= bytes.size(), "attributes do not overlap");
        end = one.offset + 4 + one.value.size();
        const auto address = message->address(one);
        if (!address) continue;
        std::array<std::uint8_t, 20> again{};
        const std::size_t size = write_xor_address(again, *address, message->transaction());
        require(size == one.value.size() &&
                    std::equal(again.begin() + 1, again.begin() + static_cast<std::ptrdiff_t>(size),
                               one.value.begin() + 1),
                "an address is written as it was read");
    }
    for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 4)
        require(!stun_message::parse(bytes.first(size)), "no prefix of a message is one");
    const framed whole = look_at(bytes);
    require(whole.is == framed::state::whole && whole.size == bytes.size() && whole.padding == 0,
            "a message is one over a stream as well");
}

void look_at_stream(bytes_view stream) {
    while (!stream.empty()) {
        const framed next = look_at(stream);
        if (next.is != framed::state::whole) {
            require(next.is == framed::state::nonsense || next.size == 0 || next.size > stream.size(),
                    "what is partial is longer than what is there");
            return;
        }
        require(next.size != 0 && next.size <= stream.size() && next.padding < 4, "what is whole is there");
        if ((stream[0] & 0xC0) == 0x40) {
            const auto data = parse_channel_data(stream.first(next.size));
            require(data && data->payload.size() + channel_header_size + next.padding == next.size,
                    "ChannelData is the same in a datagram");
            require(lies_in(data->payload, stream), "its payload lies in it");
        }
        stream = stream.subspan(next.size);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const bytes_view bytes(data, size);
    look_at_message(bytes);
    look_at_stream(bytes);
    if (const auto found = parse_channel_data(bytes))
        require(lies_in(found->payload, bytes), "the payload lies in it");
    return 0;
}
