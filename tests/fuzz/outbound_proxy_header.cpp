// PROXY headers, both versions: within their limit, the same in pieces, and the guess is the parser's.
#include "fuzz/fuzz.hpp"

#include "protocol/proxy_header.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace outbound_proxy;
    const octets bytes(data, size);
    proxy_header out;
    const parsed all = parse(bytes, out);
    const header_guess guess = guess_proxy_header(bytes);
    berth::fuzz::require(guess != header_guess::no || all.state == outcome::wrong, "what is none is refused");
    berth::fuzz::require(guess != header_guess::more || all.state == outcome::more,
                         "what may become one is waited for");
    if (all.state == outcome::more) berth::fuzz::require(size < proxy_header_limit, "a header has an end");
    if (all.state != outcome::whole) return 0;
    berth::fuzz::require(all.size <= size && all.size <= proxy_header_limit, "its size");
    berth::fuzz::require(out.version == 1 || out.version == 2, "its version");
    berth::fuzz::require(out.client.has_value() == out.server.has_value(), "both addresses or none");
    proxy_header again;
    berth::fuzz::require(parse(bytes.first(all.size), again).state == outcome::whole && again.client == out.client,
                         "what follows is not of it");
    berth::fuzz::require(parse(bytes.first(all.size - 1), again).state == outcome::more, "its last byte is of it");
    return 0;
}
