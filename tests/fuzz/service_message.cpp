// Requests to berthd, and its answers: what parse() takes is exactly what encode() makes.
#include "fuzz/fuzz.hpp"
#include "persistent/message.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth::detail;
    const auto bytes = berth::fuzz::bytes_of(data, size);
    if (const auto request = parse_request(bytes))
        berth::fuzz::require(std::ranges::equal(encode(*request), bytes), "a request is made as it was read");
    if (const auto answer = parse_answer(bytes))
        berth::fuzz::require(std::ranges::equal(encode(*answer), bytes), "an answer is made as it was read");
    return 0;
}
