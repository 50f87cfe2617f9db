// Every row of RFC 1928 and RFC 1929: what is read, what is refused, what is answered.
#include "unit/outbound_proxy/parsing.hpp"

#include "protocol/socks.hpp"

namespace outbound_proxy::test {
namespace {

std::string text_of(const socks_message& m) { return {reinterpret_cast<const char*>(m.data.data()), m.size}; }

TEST(socks_greeting, methods_are_found_wherever_they_stand) {
    EXPECT_TRUE(whole_at_its_last_byte<socks_greeting>("\5\1\0"s).offers_none);
    EXPECT_FALSE(whole_at_its_last_byte<socks_greeting>("\5\1\0"s).offers_password);
    EXPECT_TRUE(whole_at_its_last_byte<socks_greeting>("\5\3\1\x80\2"s).offers_password);
    const auto all = whole_at_its_last_byte<socks_greeting>("\5\xff"s + std::string(253, '\x81') + "\2\0"s);
    EXPECT_TRUE(all.offers_none && all.offers_password);
    const auto neither = whole_at_its_last_byte<socks_greeting>("\5\1\1"s);  // GSSAPI
    EXPECT_FALSE(neither.offers_none || neither.offers_password);
}

TEST(socks_greeting, another_version_and_no_methods_are_refused) {
    wrong_with<socks_greeting>("\4\1\0"s, 0, 1);
    wrong_with<socks_greeting>("\0"s, 0, 1);
    wrong_with<socks_greeting>("GET /"s, 0, 1);
    wrong_with<socks_greeting>("\5\0"s, 0, 2);
}

TEST(socks_credentials, names_and_passwords_of_every_length) {
    const auto shortest = whole_at_its_last_byte<socks_credentials>("\1\1a\1b"s);
    EXPECT_EQ(shortest.name, "a");
    EXPECT_EQ(shortest.password, "b");
    const auto longest = whole_at_its_last_byte<socks_credentials>("\1\xff"s + std::string(255, 'n') + "\xff"s +
                                                                   std::string(255, 'p'));
    EXPECT_EQ(longest.name.size(), 255U);
    EXPECT_EQ(longest.password.size(), 255U);
    EXPECT_EQ(whole_at_its_last_byte<socks_credentials>("\1\3a\0b\1:"s).name, "a\0b"s);
}

TEST(socks_credentials, another_version_and_empty_ones_are_refused) {
    wrong_with<socks_credentials>("\5\1a\1b"s, 0, 1);
    wrong_with<socks_credentials>("\1\0\1b"s, 0, 2);
    wrong_with<socks_credentials>("\1\1a\0"s, 0, 4);
}

TEST(socks_request, every_command_and_every_address_type) {
    const auto v4 = whole_at_its_last_byte<socks_request>("\5\1\0\1\x7f\0\0\1\x1f\x90"s);
    EXPECT_EQ(v4.command, socks_command::connect);
    EXPECT_EQ(v4.to, (destination{"", asio::ip::make_address("127.0.0.1"), 8080}));
    const auto v6 = whole_at_its_last_byte<socks_request>("\5\3\0\4"s + std::string(15, '\0') + "\1\0\0"s);
    EXPECT_EQ(v6.command, socks_command::udp_associate);
    EXPECT_EQ(v6.to, (destination{"", asio::ip::make_address("::1"), 0}));
    const auto name = whole_at_its_last_byte<socks_request>("\5\2\0\3\x0b"s + "example.com" + "\1\xbb"s);
    EXPECT_EQ(name.command, socks_command::bind);
    EXPECT_EQ(name.to.name, "example.com");
    EXPECT_EQ(name.to.port, 443);
    EXPECT_EQ(whole_at_its_last_byte<socks_request>("\5\1\0\3\xfd"s + std::string(253, 'n') + "\0\1"s).to.name.size(),
              253U);
}

TEST(socks_request, an_address_that_comes_as_a_name_is_an_address) {
    EXPECT_EQ(whole_at_its_last_byte<socks_request>("\5\1\0\3\x09"s + "127.0.0.1" + "\0\1"s).to,
              (destination{"", asio::ip::make_address("127.0.0.1"), 1}));
    EXPECT_EQ(whole_at_its_last_byte<socks_request>("\5\1\0\3\3"s + "::1" + "\0\1"s).to,
              (destination{"", asio::ip::make_address("::1"), 1}));
}

TEST(socks_request, what_is_wrong_has_the_reply_to_answer_with) {
    wrong_with<socks_request>("\4\1\0\1\x7f\0\0\1\0\1"s, 1, 1);
    wrong_with<socks_request>("\5\0\0\1"s, 7, 2);
    wrong_with<socks_request>("\5\4\0\1"s, 7, 2);
    wrong_with<socks_request>("\5\xff\0\1"s, 7, 2);
    wrong_with<socks_request>("\5\1\1\1"s, 1, 3);
    for (const char type : {'\0', '\2', '\5', '\xff'}) wrong_with<socks_request>("\5\1\0"s + type, 8, 4);
    wrong_with<socks_request>("\5\1\0\3\0\0\1"s, 1, 5);
    for (const std::string& name :
         {"a b"s, "a\0b"s, "a\nb"s, "a/b"s, "a:b"s, "\xc3\xa4"s, "a%b"s, "a\"b"s, "a\x7f"s}) {
        wrong_with<socks_request>("\5\1\0\3"s + static_cast<char>(name.size()) + name + "\0\1"s, 4, 5);
    }
    wrong_with<socks_request>("\5\1\0\3\xfe"s + std::string(254, 'n') + "\0\1"s, 4, 5);
}

TEST(socks_datagram, the_header_and_its_end) {
    const auto v4 = whole_at_its_last_byte<socks_datagram>("\0\0\0\1\x01\x02\x03\x04\0\x35"s);
    EXPECT_EQ(v4.fragment, 0);
    EXPECT_EQ(v4.to, (destination{"", asio::ip::make_address("1.2.3.4"), 53}));
    EXPECT_EQ(whole_at_its_last_byte<socks_datagram>("\0\0\x81\3\1a\0\1"s).fragment, 0x81);
    EXPECT_EQ(whole_at_its_last_byte<socks_datagram>("\0\0\0\4"s + std::string(16, '\1') + "\0\1"s).to.address,
              asio::ip::make_address("101:101:101:101:101:101:101:101"));
    wrong_with<socks_datagram>("\0\1\0\1\x01\x02\x03\x04\0\x35"s, 0, 3);
    wrong_with<socks_datagram>("\0\0\0\2"s, 8, 4);
}

TEST(socks_answers, are_the_bytes_of_the_documents) {
    EXPECT_EQ(text_of(method_message(socks_method::none)), "\5\0"s);
    EXPECT_EQ(text_of(method_message(socks_method::password)), "\5\2"s);
    EXPECT_EQ(text_of(method_message(socks_method::not_acceptable)), "\5\xff"s);
    EXPECT_EQ(text_of(verdict_message(true)), "\1\0"s);
    EXPECT_EQ(text_of(verdict_message(false)), "\1\1"s);
    const auto v4 = asio::ip::make_address("127.0.0.1");
    EXPECT_EQ(text_of(reply_message(socks_reply::succeeded, v4, 0x1234)), "\5\0\0\1\x7f\0\0\1\x12\x34"s);
    EXPECT_EQ(text_of(reply_message(socks_reply::address_type_not_supported, {}, 0)), "\5\x08\0\1\0\0\0\0\0\0"s);
    const std::string v6(16, '\x11');
    const auto address = asio::ip::make_address("1111:1111:1111:1111:1111:1111:1111:1111");
    EXPECT_EQ(text_of(reply_message(socks_reply::ttl_expired, address, 1)), "\5\6\0\4"s + v6 + "\0\1"s);
    EXPECT_EQ(text_of(reply_message(socks_reply::succeeded, asio::ip::make_address("::ffff:127.0.0.1"), 1)),
              "\5\0\0\1\x7f\0\0\1\0\1"s);
    EXPECT_EQ(text_of(datagram_header({v4, 53})), "\0\0\0\1\x7f\0\0\1\0\x35"s);
    EXPECT_EQ(text_of(datagram_header({address, 53})), "\0\0\0\4"s + v6 + "\0\x35"s);
}

TEST(socks_answers, a_header_is_read_as_it_was_written) {
    for (const char* address : {"0.0.0.0", "255.255.255.255", "::", "2001:db8::1"}) {
        const asio::ip::udp::endpoint from(asio::ip::make_address(address), 65535);
        socks_datagram out;
        const auto header = datagram_header(from);
        ASSERT_EQ(parse(header.bytes(), out).size, header.size);
        EXPECT_EQ(out.to, (destination{"", from.address(), 65535}));
    }
}

}  // namespace
}  // namespace outbound_proxy::test
