// What tests of the outbound proxy's parsers share: bytes as text, and a message cut at every byte.
#pragma once

#include "protocol/parsed.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace outbound_proxy::test {

using namespace std::string_literals;

inline octets octets_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <class Message>
parsed parse_text(std::string_view text, Message& out) {
    return parse(octets_of(text), out);
}

/// It is whole when its last byte is there and not before, and what follows is not of it.
template <class Message>
Message whole_at_its_last_byte(const std::string& text) {
    Message out;
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_EQ(parse_text(std::string_view(text).substr(0, size), out).state, outcome::more) << size << " bytes";
    }
    for (const std::string& behind : {""s, "\0"s, "what follows"s}) {
        const parsed p = parse_text(text + behind, out);
        EXPECT_EQ(p.state, outcome::whole) << p.why;
        EXPECT_EQ(p.size, text.size());
    }
    return out;
}

/// It is wrong, with this status, and nothing that comes behind it makes it right. `undecided`: bytes after which
/// that cannot be known yet.
template <class Message>
void wrong_with(const std::string& text, int status, std::size_t undecided = 0) {
    Message out;
    const parsed p = parse_text(text, out);
    EXPECT_EQ(p.state, outcome::wrong) << text;
    EXPECT_EQ(p.status, status) << text << ": " << p.why;
    EXPECT_FALSE(p.why.empty());
    EXPECT_EQ(parse_text(text + "\r\n\r\n", out).state, outcome::wrong) << text;
    for (std::size_t size = 0; size < undecided; ++size) {
        EXPECT_EQ(parse_text(std::string_view(text).substr(0, size), out).state, outcome::more) << text << size;
    }
}

}  // namespace outbound_proxy::test
