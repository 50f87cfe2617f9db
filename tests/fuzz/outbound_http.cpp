// Heads of HTTP CONNECT requests: within their limits, the same in pieces, and nothing in a name that breaks a log.
#include "fuzz/fuzz.hpp"

#include "protocol/http_connect.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace outbound_proxy;
    const octets bytes(data, size);
    http_connect out;
    const parsed all = parse(bytes, out);
    if (all.state == outcome::wrong) {
        const int s = all.status;
        berth::fuzz::require(s == 400 || s == 405 || s == 414 || s == 431 || s == 505, "a status of ours");
        const auto answer = refusal(s, all.why, false);
        berth::fuzz::require(answer.find("\r\n\r\n") != answer.npos, "an answer that ends");
        return 0;
    }
    if (all.state == outcome::more) {
        berth::fuzz::require(size < http_head_limit, "a head has an end");
        return 0;
    }
    berth::fuzz::require(all.size >= 4 && all.size <= size && all.size <= http_head_limit, "its size");
    berth::fuzz::require(out.to.port != 0, "a port");
    for (const char c : out.to.name) berth::fuzz::require(c > ' ' && c < 0x7f, "a name of visible characters");
    http_connect again;
    berth::fuzz::require(parse(bytes.first(all.size), again).state == outcome::whole, "what follows is not of it");
    berth::fuzz::require(again.to == out.to && again.name == out.name && again.password == out.password, "the same");
    berth::fuzz::require(parse(bytes.first(all.size - 1), again).state == outcome::more, "its last byte is of it");
    return 0;
}
