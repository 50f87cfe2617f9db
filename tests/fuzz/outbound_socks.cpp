// SOCKS5 messages of clients nobody knows: what is read stays within its bytes, the same in pieces, and can be said
// again.
#include "fuzz/fuzz.hpp"

#include "protocol/socks.hpp"

namespace {

using namespace outbound_proxy;

template <class Message>
void read_as(octets bytes) {
    Message out;
    const parsed all = parse(bytes, out);
    berth::fuzz::require((all.state == outcome::wrong) != all.why.empty(), "only what is wrong says why");
    if (all.state != outcome::whole) {
        berth::fuzz::require(bytes.size() < socks_message_limit || all.state == outcome::wrong,
                             "its size is bounded");
        return;
    }
    berth::fuzz::require(all.size > 0 && all.size <= bytes.size() && all.size <= socks_message_limit, "its size");
    berth::fuzz::require(parse(bytes.first(all.size), out).state == outcome::whole, "what follows is not of it");
    berth::fuzz::require(parse(bytes.first(all.size - 1), out).state == outcome::more, "its last byte is of it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const octets bytes(data, size);
    read_as<socks_greeting>(bytes);
    read_as<socks_credentials>(bytes);
    read_as<socks_request>(bytes);
    read_as<socks_datagram>(bytes);
    socks_datagram one;
    if (const parsed p = parse(bytes, one); p.state == outcome::whole && one.to.name.empty()) {
        socks_datagram again;
        const auto header = datagram_header({one.to.address, one.to.port});
        berth::fuzz::require(parse(header.bytes(), again).state == outcome::whole && again.to.port == one.to.port,
                             "it is read as it was written");
    }
    return 0;
}
