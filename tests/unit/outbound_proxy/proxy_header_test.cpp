// The PROXY protocol, both versions: what they say, and what is refused.
#include "unit/outbound_proxy/parsing.hpp"

#include "protocol/proxy_header.hpp"

#include <asio/ip/address.hpp>

namespace outbound_proxy::test {
namespace {

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

asio::ip::tcp::endpoint at(const char* address, std::uint16_t port) {
    return {asio::ip::make_address(address), port};
}
std::string number16(std::size_t n) { return {static_cast<char>(n >> 8), static_cast<char>(n & 0xff)}; }
std::string binary(char command, char family, const std::string& rest) {
    return signature + static_cast<char>('\x20' | command) + family + number16(rest.size()) + rest;
}
std::string extension(char type, const std::string& value) { return type + number16(value.size()) + value; }

const std::string four_addresses = "\x0a\0\0\1\xc0\0\2\1\x04\xd2\x01\xbb"s;  // 10.0.0.1:1234 → 192.0.2.1:443

TEST(proxy_line, addresses_and_ports) {
    const auto v4 = whole_at_its_last_byte<proxy_header>("PROXY TCP4 10.0.0.1 192.0.2.1 1234 443\r\n");
    EXPECT_EQ(v4.version, 1);
    EXPECT_EQ(v4.client, at("10.0.0.1", 1234));
    EXPECT_EQ(v4.server, at("192.0.2.1", 443));
    const auto v6 = whole_at_its_last_byte<proxy_header>("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
    EXPECT_EQ(v6.client, at("2001:db8::1", 0));
    EXPECT_EQ(v6.server, at("::1", 65535));
    const std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    EXPECT_EQ(
        whole_at_its_last_byte<proxy_header>("PROXY TCP6 " + longest + " " + longest + " 65535 65535\r\n").client,
        at(longest.c_str(), 65535));
}

TEST(proxy_line, unknown_says_nothing_of_the_client) {
    EXPECT_FALSE(whole_at_its_last_byte<proxy_header>("PROXY UNKNOWN\r\n").client);
    EXPECT_FALSE(whole_at_its_last_byte<proxy_header>("PROXY UNKNOWN whatever follows 1 2\r\n").client);
}

TEST(proxy_line, what_is_wrong) {
    for (const char* wrong : {"TCP4",
                              "TCP4 ",
                              "TCP4 10.0.0.1 192.0.2.1 1234",
                              "TCP4 10.0.0.1 192.0.2.1 1234 ",
                              "TCP4 10.0.0.1 192.0.2.1 1 2 3",
                              "TCP4 10.0.0.1 192.0.2.1 1 2 ",
                              "TCP4 10.0.0.1  192.0.2.1 1 2",
                              "TCP4 10.0.0.1 192.0.2.1 01 2",
                              "TCP4 10.0.0.1 192.0.2.1  2",
                              "TCP4 10.0.0.1 192.0.2.1 100000 2",
                              "TCP4 10.0.0.1 192.0.2.1 1 65536",
                              "TCP4 10.0.0.1 192.0.2.1 -1 2",
                              "TCP4 10.0.0.256 192.0.2.1 1 2",
                              "TCP4 ::1 ::1 1 2",
                              "TCP6 10.0.0.1 10.0.0.1 1 2",
                              "TCP6 fe80::1%lo ::1 1 2",
                              "UDP4 10.0.0.1 192.0.2.1 1 2",
                              "tcp4 10.0.0.1 192.0.2.1 1 2",
                              "",
                              "TCP4 10.0.0.1 192.0.2.1 1 2\r"}) {
        wrong_with<proxy_header>("PROXY "s + wrong + "\r\n", 0);
    }
    wrong_with<proxy_header>("PROXY TCP4 10.0.0.1\0x 192.0.2.1 1 2\r\n"s, 0);
    wrong_with<proxy_header>("PROXY TCP4 10.0.0.1 192.0.2.1 1 2\n", 0);
    wrong_with<proxy_header>("PROXY UNKNOWN a\nb\r\n", 0);  // in one piece as in two
    wrong_with<proxy_header>("PROXY " + std::string(200, 'x'), 0, 107);
    wrong_with<proxy_header>("GET / HTTP/1.1\r\n", 0);
    wrong_with<proxy_header>("PROXX", 0);
}

TEST(proxy_binary, every_family) {
    const auto v4 = whole_at_its_last_byte<proxy_header>(binary(1, 0x11, four_addresses));
    EXPECT_EQ(v4.version, 2);
    EXPECT_EQ(v4.client, at("10.0.0.1", 1234));
    EXPECT_EQ(v4.server, at("192.0.2.1", 443));
    const std::string six = std::string(15, '\0') + "\1" + std::string(15, '\0') + "\2" + "\0\1\0\2"s;
    EXPECT_EQ(whole_at_its_last_byte<proxy_header>(binary(1, 0x21, six)).client, at("::1", 1));
    EXPECT_EQ(whole_at_its_last_byte<proxy_header>(binary(1, 0x21, six)).server, at("::2", 2));
    EXPECT_FALSE(whole_at_its_last_byte<proxy_header>(binary(1, 0x31, std::string(216, 'u'))).client);
    EXPECT_FALSE(whole_at_its_last_byte<proxy_header>(binary(1, 0x00, "")).client);
    EXPECT_FALSE(whole_at_its_last_byte<proxy_header>(binary(1, 0x00, "what nobody knows")).client);
}

TEST(proxy_binary, a_local_connection_speaks_for_itself) {
    EXPECT_FALSE(whole_at_its_last_byte<proxy_header>(binary(0, 0x00, "")).client);
    EXPECT_FALSE(whole_at_its_last_byte<proxy_header>(binary(0, 0x11, four_addresses)).client);
    EXPECT_FALSE(
        whole_at_its_last_byte<proxy_header>(binary(0, 0x7f, "odd")).client);  // "discard", says the document
}

TEST(proxy_binary, extensions_are_skipped_and_bounded) {
    const std::string some = extension(1, "h2") + extension(4, "") + extension('\x20', extension('\x21', "TLSv1.3"));
    EXPECT_EQ(whole_at_its_last_byte<proxy_header>(binary(1, 0x11, four_addresses + some)).client,
              at("10.0.0.1", 1234));
    const std::size_t room = proxy_header_limit - 16 - 12 - 3;
    EXPECT_TRUE(
        whole_at_its_last_byte<proxy_header>(binary(1, 0x11, four_addresses + extension(4, std::string(room, 'x'))))
            .client);
    wrong_with<proxy_header>(binary(1, 0x11, four_addresses + extension(4, std::string(room + 1, 'x'))), 0, 16);
    wrong_with<proxy_header>(signature + "\x21\x11\xff\xff", 0, 16);
    wrong_with<proxy_header>(binary(1, 0x11, four_addresses + "\1\0"s), 0);
    wrong_with<proxy_header>(binary(1, 0x11, four_addresses + "\1\0\2h"s), 0);
}

TEST(proxy_binary, a_checksum_that_is_there_is_verified) {
    const std::string zeroes = extension(1, "h2") + extension(3, "\0\0\0\0"s) + extension(4, "no operation");
    const std::string header = binary(1, 0x11, four_addresses + zeroes);
    const std::uint32_t sum = crc32c(octets_of(header));
    const std::size_t place = 16 + 12 + 5 + 3;
    std::string right = header;
    for (std::size_t i = 0; i < 4; ++i) right[place + i] = static_cast<char>(sum >> (24 - 8 * i));
    EXPECT_EQ(whole_at_its_last_byte<proxy_header>(right).client, at("10.0.0.1", 1234));
    wrong_with<proxy_header>(header, 0);
    for (std::size_t i = 16; i < right.size();
         ++i) {  // whichever byte is another, but that which makes it a checksum
        if (i == place - 3) continue;
        std::string other = right;
        other[i] = static_cast<char>(other[i] ^ 1);
        proxy_header out;
        EXPECT_NE(parse_text(other, out).state, outcome::whole) << i;
    }
    wrong_with<proxy_header>(binary(1, 0x11, four_addresses + extension(3, "\0\0\0"s)), 0);
}

TEST(proxy_binary, what_is_wrong) {
    wrong_with<proxy_header>(signature + "\x11\x11\0\x0c"s + four_addresses, 0, 16);
    wrong_with<proxy_header>(signature + "\x31\x11\0\x0c"s + four_addresses, 0, 16);
    wrong_with<proxy_header>(signature + "\x22\x11\0\x0c"s + four_addresses, 0, 16);
    wrong_with<proxy_header>(binary(1, 0x41, four_addresses), 0);
    wrong_with<proxy_header>(binary(1, 0x13, four_addresses), 0);
    wrong_with<proxy_header>(binary(1, 0x12, four_addresses), 0);  // of datagrams, in front of a stream
    wrong_with<proxy_header>(binary(1, 0x11, four_addresses.substr(1)), 0);
    wrong_with<proxy_header>(binary(1, 0x21, four_addresses), 0);
}

TEST(proxy_guess, needs_as_many_bytes_as_it_takes) {
    EXPECT_EQ(guess_proxy_header({}), header_guess::more);
    EXPECT_EQ(guess_proxy_header(octets_of("PROX")), header_guess::more);
    EXPECT_EQ(guess_proxy_header(octets_of("PROXY ")), header_guess::yes);
    EXPECT_EQ(guess_proxy_header(octets_of("\r\n\r\n")), header_guess::more);
    EXPECT_EQ(guess_proxy_header(octets_of(signature)), header_guess::yes);
    EXPECT_EQ(guess_proxy_header(octets_of("\r\nCONNECT")), header_guess::no);
    EXPECT_EQ(guess_proxy_header(octets_of("\5\1\0"s)), header_guess::no);
    EXPECT_EQ(guess_proxy_header(octets_of("POST")), header_guess::no);
}

TEST(checksum, the_vectors_of_its_document) {  // RFC 3720, B.4
    EXPECT_EQ(crc32c(octets_of(std::string(32, '\0'))), 0x8a9136aaU);
    EXPECT_EQ(crc32c(octets_of(std::string(32, '\xff'))), 0x62a8ab43U);
    EXPECT_EQ(crc32c(octets_of("123456789")), 0xe3069283U);
    EXPECT_EQ(crc32c(octets_of("6789"), crc32c(octets_of("12345"))), 0xe3069283U);
}

}  // namespace
}  // namespace outbound_proxy::test
